// The settings of the page's build, and the files beside the page. The tests bundle single modules with them.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { wordlist } from "@scure/bip39/wordlists/english.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The file `bytes`, whose name on the relay contains the first 16 digits of its hash. */
function file(name, extension, bytes) {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, path: `${name}-${sha256.slice(0, 16)}.${extension}`, sha256, bytes };
}

/** The language tables, such as `languages/de.json`, by name. */
const tables = readdirSync(join(here, "languages"))
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name) => ({
    name: name.slice(0, -".json".length),
    table: JSON.parse(readFileSync(join(here, "languages", name), "utf8")),
  }));

/** The 2048 words, each as the number of letters that it shares with the one before, and its others (opener.ts). */
function packedWords() {
  let before = "";
  const packed = wordlist.map((word) => {
    const shared = [...word].findIndex((letter, at) => letter !== before[at]);
    before = word;
    return shared + word.slice(shared);
  });
  return packed.join("");
}

/**
 * The files that the page loads from `page/` of its relay: the tables, without whitespace, except the script's own; and
 * the words.
 */
export const files = tables
  .filter(({ name }) => name !== "en")
  .map(({ name, table }) => ({ name, content: table }))
  .concat({ name: "words", content: packedWords() })
  .map(({ name, content }) => file(name, "json", Buffer.from(JSON.stringify(content))));

/** The languages, sorted by their own names. */
const languages = tables
  .map(({ name, table }) => [name, { name: table["language.name"], loading: table["loading"][0] }])
  .sort(([, one], [, other]) => (one.name < other.name ? -1 : 1));

/** Makes the page smaller: leaves code out that it does not use (hybrid.ts, x25519.ts), and shortens its tables. */
const reductions = {
  name: "reductions",
  setup(build) {
    const isAge = ({ importer }) => /[\\/]age-encryption[\\/]dist[\\/]/.test(importer);
    const replace = (filter, by) =>
      build.onResolve({ filter }, (asked) => (isAge(asked) ? { path: join(here, by) } : undefined));
    replace(/^@noble\/post-quantum\/hybrid\.js$/, "hybrid.ts");
    replace(/^\.\/x25519\.js$/, "x25519.ts");
    build.onLoad({ filter: /[\\/]characters\.txt$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/^#.*\n|^\n/gm, ""),
      loader: "text",
    }));
  },
};

/** Settings for esbuild. No configuration file of a parent directory affects the page. */
export const settings = {
  absWorkingDir: here,
  tsconfigRaw: {},
  bundle: true,
  charset: "utf8",
  plugins: [reductions],
  define: {
    LANGUAGES: JSON.stringify(Object.fromEntries(languages)),
    FILES: JSON.stringify(
      Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])),
    ),
  },
};
