// The pages, the settings of their builds, and the files beside them. The tests bundle single modules with them.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { buildSync } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));

/** The settings that all scripts share. No configuration file of a parent directory affects them. */
const common = { absWorkingDir: here, tsconfigRaw: {}, bundle: true, charset: "utf8" };

/** The settings of scripts for browsers. */
export const finished = {
  minify: true,
  write: false,
  legalComments: "none",
  target: ["es2022", "chrome109", "firefox115", "safari16.4"],
};

/** The file `bytes`, whose name on the relay contains the first 16 digits of its hash. */
function file(name, extension, bytes) {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, path: `${name}-${sha256.slice(0, 16)}.${extension}`, sha256, bytes };
}

/** The language tables in a directory, such as `languages/de.json`, by name. */
function tablesIn(directory) {
  const names = readdirSync(join(here, directory)).filter((name) => name.endsWith(".json"));
  const read = (name) => JSON.parse(readFileSync(join(here, directory, name), "utf8"));
  return Object.fromEntries(names.sort().map((name) => [name.slice(0, -".json".length), read(name)]));
}

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

/** The script of the workers, in one piece. */
function workerScript() {
  const settings = { ...common, ...finished, entryPoints: [join(here, "worker.ts")], format: "iife" };
  return buildSync(settings).outputFiles[0].text.trim();
}

const words = file("words", "json", Buffer.from(JSON.stringify(packedWords())));
const worker = file("worker", "json", Buffer.from(JSON.stringify(workerScript())));

/** Makes the page smaller: leaves code out that it does not use (unused.ts, recipients.ts), and shortens its tables. */
const reductions = {
  name: "reductions",
  setup(build) {
    const isAge = ({ importer }) => /[\\/]age-encryption[\\/]dist[\\/]/.test(importer);
    const replace = (filter, by) =>
      build.onResolve({ filter }, (asked) => (isAge(asked) ? { path: join(here, by) } : undefined));
    replace(/^\.\/stream\.js$/, "unused.ts");
    replace(/^\.\/recipients\.js$/, "recipients.ts");
    build.onLoad({ filter: /[\\/]characters\.txt$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/^#.*\n|^\n/gm, ""),
      loader: "text",
    }));
  },
};

/**
 * A page, with settings for esbuild and the files that it loads from `page/` of its relay: `more`, and its language
 * tables, whose names begin with `prefix`, without whitespace. The English table is in the script.
 */
function page(path, { html, script, style, prefix, tables, more }) {
  const { en, ...others } = tables;
  const compact = ([name, table]) => file(`${prefix}${name}`, "json", Buffer.from(JSON.stringify(table)));
  const files = [...Object.entries(others).map(compact), ...more];
  const languages = Object.entries(tables)
    .map(([name, table]) => [name, { name: table["language.name"], loading: table["loading"][0] }])
    .sort(([, one], [, other]) => (one.name < other.name ? -1 : 1));
  const english = {
    name: "english",
    setup(build) {
      const filter = /[\\/]languages[\\/]en\.json$/;
      build.onLoad({ filter }, () => ({ contents: JSON.stringify(en), loader: "json" }));
    },
  };
  const settings = {
    ...common,
    plugins: [reductions, english],
    define: {
      LANGUAGES: JSON.stringify(Object.fromEntries(languages)),
      FILES: JSON.stringify(Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256]))),
      TABLES: JSON.stringify(prefix),
    },
  };
  return { path, html, script, style, settings, files };
}

const tables = tablesIn("languages");
const opening = page("page.html", {
  html: "index.html",
  script: "main.ts",
  style: "page.css",
  prefix: "",
  tables,
  more: [words, worker],
});

/** The tables of the page that sends: those of the page that opens, with its own words. */
const sendingTables = Object.entries(tablesIn("languages/send")).map(([name, own]) => {
  return [name, { ...tables[name], ...own }];
});
const sending = page("send.html", {
  html: "send/index.html",
  script: "send/main.ts",
  style: "send/send.css",
  prefix: "send-",
  tables: Object.fromEntries(sendingTables),
  more: [words],
});

/** The page that opens, and the one that sends. */
export const pages = [opening, sending];

/** The files that the pages load. */
export const files = [...new Map(pages.flatMap(({ files }) => files).map((file) => [file.path, file])).values()];

/** The settings of the page that has the module `name`, such as `send/main`. */
export const settingsOf = (name) => (name.startsWith("send/") ? sending : opening).settings;
