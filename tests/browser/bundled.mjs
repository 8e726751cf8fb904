// Loads a module of the page, bundled as the page's build bundles it.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Returns the module `name` of the page whose sources and packages are in `workshop`. */
export async function bundled(workshop, name) {
  const { buildSync } = createRequire(`${workshop}/`)("esbuild");
  const place = mkdtempSync(join(workshop, "bundled-"));
  const outfile = join(place, `${name}.mjs`);
  try {
    buildSync({
      entryPoints: [join(workshop, `${name}.ts`)],
      absWorkingDir: workshop,
      bundle: true,
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
