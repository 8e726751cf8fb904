// Loads a module of the page, bundled with the settings of the page's build.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The module `name` of the page whose sources and packages are in `workshop`, with other constants of the build. */
export async function bundled(workshop, name, define = {}) {
  return loaded(workshop, name, define, { entryPoints: [join(workshop, `${name}.ts`)] });
}

/** Several modules that share their state, by the last parts of their names. Each call makes new ones. */
export async function together(workshop, ...names) {
  const lines = names.map((name) => `export * as ${name.split("/").at(-1)} from "./${name}.ts";`);
  return loaded(workshop, names[0], {}, { stdin: { contents: lines.join("\n"), resolveDir: workshop, loader: "ts" } });
}

async function loaded(workshop, name, define, entry) {
  const { build } = createRequire(`${workshop}/`)("esbuild");
  const { settingsOf } = await import(pathToFileURL(join(workshop, "settings.mjs")).href);
  const place = mkdtempSync(join(workshop, "bundled-"));
  const settings = settingsOf(name);
  const outfile = join(place, `${name}.mjs`);
  try {
    await build({
      ...settings,
      define: { ...settings.define, ...define },
      ...entry,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      outfile,
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(place, { recursive: true });
  }
}
