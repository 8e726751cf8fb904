// Prints what the finished pages weigh, and what is in them. `node weight.mjs WORKSHOP DIST`: the pages' sources and
// packages, and the directory of the finished pages. Fails if a compressed file differs from its plain one, or if a
// script contains packages that share has no use for.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const [workshop, dist] = process.argv.slice(2);
const read = (name) => readFileSync(join(dist, name));
const names = readdirSync(dist).filter((name) => !/\.(br|gz)$/.test(name));
assert(names.includes("page.html") && names.includes("send.html"));
for (const name of names) {
  const [plain, gz, br] = [name, `${name}.gz`, `${name}.br`].map(read);
  assert(plain.equals(gunzipSync(gz)) && plain.equals(brotliDecompressSync(br)), name);
  console.log(`${name}: ${plain.length} bytes, ${gz.length} by gzip, ${br.length} by Brotli`);
}

const { build } = createRequire(`${workshop}/`)("esbuild");
const { pages } = await import(pathToFileURL(join(workshop, "settings.mjs")).href);
for (const { path, script, settings } of pages) {
  const entryPoints = [join(workshop, script)];
  const { metafile } = await build({ ...settings, entryPoints, minify: true, write: false, metafile: true });
  const [{ inputs }] = Object.values(metafile.outputs);
  const modules = Object.entries(inputs).map(([name, { bytesInOutput }]) => [bytesInOutput, name]);
  modules.sort(([one], [other]) => other - one);
  console.log(path);
  for (const [bytes, name] of modules.slice(0, 12)) console.log(`${String(bytes).padStart(6)} ${name}`);
  const needless = modules.filter(([bytes, name]) => bytes > 0 && /post-quantum|edwards|weierstrass|nist/.test(name));
  assert.deepEqual(needless, []);
}
