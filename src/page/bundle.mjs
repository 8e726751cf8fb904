// Builds the page as one HTML file. `node bundle.mjs FILE`, after `npm ci` in this directory or a copy.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const target = ["es2022", "chrome109", "firefox115", "safari16.4"];
const absWorkingDir = fileURLToPath(new URL(".", import.meta.url));
// No configuration file of a parent directory affects the page.
const common = {
  absWorkingDir,
  tsconfigRaw: {},
  bundle: true,
  minify: true,
  write: false,
  charset: "utf8",
  legalComments: "none",
};
const made = async (options) => (await build({ ...common, target, ...options })).outputFiles[0].text.trim();

const script = await made({ entryPoints: ["main.ts"], format: "iife" });
const style = await made({ entryPoints: ["style.css"] });
const html = readFileSync(new URL("index.html", import.meta.url), "utf8")
  .replace("/* style.css */", () => style)
  .replace("/* page.js */", () => script);
writeFileSync(process.argv[2], html);
