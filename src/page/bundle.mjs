// Builds the page. `node bundle.mjs DIRECTORY`, after `npm ci` in this directory or a copy, writes `page.html` and the
// files that it loads later, each also compressed: `.br` and `.gz`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { files, settings } from "./settings.mjs";

const target = ["es2022", "chrome109", "firefox115", "safari16.4"];
const common = { ...settings, minify: true, write: false, legalComments: "none", target };
const made = async (options) => (await build({ ...common, ...options })).outputFiles[0].text.trim();

const script = await made({ entryPoints: ["main.ts"], format: "iife" });
const style = await made({ entryPoints: ["page.css"] });
const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const icon = read("icon.svg").replace(/\n/g, "").replaceAll('"', "'").replace(/[%#<>]/g, encodeURIComponent);
const html = read("index.html")
  .replace("/* icon.svg */", () => icon)
  .replace("/* style.css */", () => style)
  .replace("/* page.js */", () => script);

const directory = process.argv[2];
mkdirSync(directory, { recursive: true });
for (const { path, bytes } of [{ path: "page.html", bytes: Buffer.from(html) }, ...files]) {
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
