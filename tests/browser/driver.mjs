// Drives a browser for the tests. It reads one JSON command per line from standard input and answers each with one line
// of JSON. tests/it/browsers.rs starts it. It kills the browser when standard input closes.
//
// Usage: node driver.mjs MODULES ENGINE [--host=NAME=ADDRESS]... [FLAG]...
//   MODULES  the directory with node_modules
//   ENGINE   chromium, firefox or webkit
//   --host   resolve NAME to ADDRESS, which must be on loopback
//   FLAG     passed to the browser
//
// {"do":"tab", ...} opens a tab with its own storage and answers its number; every other command passes that number as
// "tab". The comment at the top of each engine's file lists the commands that the engine cannot run; those return an
// error. The options of a tab:
//   width, height, scale   the viewport in pixels of the page, and the device's pixels in one of them
//   touch                  a touchscreen instead of a mouse
//   dark, forced, still    prefers-color-scheme: dark, forced-colors: active, prefers-reduced-motion: reduce
//   text                   the size of ordinary text in percent, as a setting of the browser (see webkit.mjs)
//   languages              navigator.languages and Accept-Language, from the most preferred
//   insets                 { top, right, bottom, left } of the safe area
//   script: false          without scripts
//   before                 a script that runs before each page's own
//   agent                  the user agent
// {"do":"choose","selector":…,"paths":[…]} chooses files in a file input, which may be hidden.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gestures } from "./gestures.mjs";
import { handing } from "./handing.mjs";

/** Deadlines for a condition to become true and for any command, in milliseconds. */
const UNTIL_MS = 30_000;
const COMMAND_MS = 60_000;

const [modules, name, ...rest] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const isHost = (flag) => flag.startsWith("--host=");
const hosts = new Map(rest.filter(isHost).map((flag) => flag.split("=").slice(1)));
const flags = rest.filter((flag) => !isHost(flag));
/** Holds the browser's home, profile and downloads. */
const place = mkdtempSync(join(tmpdir(), `share-${name}-`));
const within = (milliseconds, what, promise) =>
  Promise.race([
    promise,
    sleep(milliseconds).then(() => Promise.reject(new Error(`${what}: not within ${milliseconds} ms`))),
  ]);

let engine = null;
let stopping = false;
async function stop(status) {
  if (stopping) return;
  stopping = true;
  await within(5000, "closing", Promise.resolve(engine?.stop())).catch(() => {});
  rmSync(place, { recursive: true, force: true, maxRetries: 5 });
  process.exit(status);
}
const input = createInterface({ input: process.stdin });
// The iterator must exist before the browser starts: readline drops lines that nothing reads.
const lines = input[Symbol.asyncIterator]();
input.on("close", () => stop(0));

/** Commands shared by all engines. */
const common = {
  ...gestures,
  ...handing,
  /** Polls an expression until it is true. The page cannot do this itself: its policy forbids eval. */
  async until(tab, { code }) {
    const end = Date.now() + UNTIL_MS;
    let pause = 20;
    // Evaluation fails during a navigation.
    while (!(await tab.value({ code }).catch(() => false))) {
      if (Date.now() > end) throw new Error("it never was");
      await sleep(pause);
      pause = Math.min(pause * 1.2, 150);
    }
  },
  text: (tab) => tab.value({ code: "document.querySelector('main').innerText" }),
  requests: (tab) => tab.requests,
  complaints: (tab) => tab.complaints,
  async axe(tab) {
    if (!(await tab.value({ code: "'axe' in globalThis" })))
      await tab.value({ code: readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") });
    const { violations } = await tab.value({ code: "axe.run(document)" });
    return violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      where: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
    }));
  },
};

const tabs = [];
async function obey(command) {
  if (command.do === "tab") return tabs.push(await engine.tab(command)) - 1;
  const tab = tabs[command.tab];
  if (command.do in common) return common[command.do](tab, command);
  if (typeof tab[command.do] !== "function") throw new Error(`${name} cannot do this: ${command.do}`);
  const done = await tab[command.do](command);
  return command.do === "newTab" ? tabs.push(done) - 1 : done;
}

try {
  const { start } = await import(`./${name}.mjs`);
  engine = await within(COMMAND_MS, `starting ${name}`, start({ require, flags, hosts, place }));
  for await (const line of lines) {
    const command = JSON.parse(line);
    const answer = await within(COMMAND_MS, command.do, obey(command)).then(
      (ok) => ({ ok: ok ?? null }),
      (error) => ({ error: String(error) }),
    );
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
} catch (error) {
  if (!stopping) console.error(error);
  await stop(1);
}
