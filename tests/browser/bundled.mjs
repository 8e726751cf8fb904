// Loads a module of the page, bundled with the settings of the page's build.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The module `name` of the page whose sources and packages are in `workshop`, with other constants of the build. */
export async function bundled(workshop, name, define = {}) {
  const { build } = createRequire(`${workshop}/`)("esbuild");
  const { settingsOf } = await import(pathToFileURL(join(workshop, "settings.mjs")).href);
  const place = mkdtempSync(join(workshop, "bundled-"));
  const settings = settingsOf(name);
  const outfile = join(place, `${name}.mjs`);
  try {
    await build({
      ...settings,
      define: { ...settings.define, ...define },
      entryPoints: [join(workshop, `${name}.ts`)],
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
