// The settings of the page's build, and the files beside the page. The tests bundle single modules with them.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The file `bytes`, whose name on the relay contains the first 16 digits of its hash. */
function file(name, extension, bytes) {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, path: `${name}-${sha256.slice(0, 16)}.${extension}`, sha256, bytes };
}

/** The language tables, as `languages/de.json`, without whitespace. The script contains the English one. */
function languages() {
  const directory = join(here, "languages");
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json") && name !== "en.json")
    .sort()
    .map((name) => {
      const table = JSON.parse(readFileSync(join(directory, name), "utf8"));
      return file(name.slice(0, -".json".length), "json", Buffer.from(JSON.stringify(table)));
    });
}

/** The files that the page loads from `page/` of its relay. */
export const files = languages();

/** Settings for esbuild. No configuration file of a parent directory affects the page. */
export const settings = {
  absWorkingDir: here,
  tsconfigRaw: {},
  bundle: true,
  charset: "utf8",
  define: {
    FILES: JSON.stringify(
      Object.fromEntries(files.map(({ name, path, sha256 }) => [name, { path: `page/${path}`, sha256 }])),
    ),
  },
};
