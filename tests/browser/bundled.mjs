// Loads a module of the page, bundled with the settings of the page's build.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Returns the module `name` of the page whose sources and packages are in `workshop`. */
export async function bundled(workshop, name) {
  const { build } = createRequire(`${workshop}/`)("esbuild");
  const { settings } = await import(pathToFileURL(join(workshop, "settings.mjs")).href);
  const place = mkdtempSync(join(workshop, "bundled-"));
  const outfile = join(place, `${name}.mjs`);
  try {
    await build({
      ...settings,
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
