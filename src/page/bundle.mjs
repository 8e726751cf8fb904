// Builds the pages. `node bundle.mjs DIRECTORY`, after `npm ci` in this directory or a copy, writes `page.html`,
// `send.html` and the files that they load later, each also compressed: `.br` and `.gz`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { files, finished, pages } from "./settings.mjs";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const icon = read("icon.svg").replace(/\n/g, "").replaceAll('"', "'").replace(/[%#<>]/g, encodeURIComponent);

/** A page: one file with its script and its style. */
async function made({ path, html, script, style, settings }) {
  const bundled = async (options) => (await build({ ...settings, ...finished, ...options })).outputFiles[0].text.trim();
  const [js, css] = [await bundled({ entryPoints: [script], format: "iife" }), await bundled({ entryPoints: [style] })];
  const text = read(html)
    .replace("/* icon.svg */", () => icon)
    .replace("/* style.css */", () => css)
    .replace("/* page.js */", () => js);
  return { path, bytes: Buffer.from(text) };
}

const directory = process.argv[2];
mkdirSync(directory, { recursive: true });
for (const { path, bytes } of [...(await Promise.all(pages.map(made))), ...files]) {
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    // Makes the page some 60 bytes smaller than the default, 0.
    [constants.BROTLI_PARAM_NPOSTFIX]: 1,
  };
  writeFileSync(join(directory, path), bytes);
  writeFileSync(join(directory, `${path}.br`), brotliCompressSync(bytes, { params }));
  writeFileSync(join(directory, `${path}.gz`), gzipSync(bytes, { level: 9 }));
}
