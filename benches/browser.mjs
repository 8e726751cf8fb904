// Measures how fast the page opens a share, beside the program, and beside the age library alone in the same browser.
//
// Usage: node benches/browser.mjs [MIB], after `cargo build --release` and `tests/setup`. The default is 200 MiB.
// Everything runs on this machine. The page fetches, verifies, decrypts and keeps the content; the library only
// decrypts bytes in memory.

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The page says this once it shows the file. */
const END = "Closing deletes the file for good.";
/** The longest time for an opening. */
const LIMIT_MS = 600_000;

const mib = Number(process.argv[2] ?? 200);
const root = join(import.meta.dirname, "..");
const share = join(root, "target/release/share");
const { chromium } = createRequire(join(root, "target/browser/"))("playwright-core");
// The page's build directory of the release build.
const builds = join(root, "target/release/build");
const workshops = readdirSync(builds)
  .map((name) => join(builds, name, "out/page"))
  .filter((path) => existsSync(join(path, "node_modules")));
const workshop = workshops.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
const { buildSync } = createRequire(`${workshop}/`)("esbuild");

const place = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "share-bench-"));
const env = { ...process.env, SHARE_STATE_DIR: join(place, "state") };
const relay = spawn(share, ["relay", "--listen", "127.0.0.1:0", "--store", `file://${place}/store`, "--reserve", "0"], {
  env,
  stdio: ["ignore", "pipe", "ignore"],
});
// With a profile: a private window would keep in memory what is stored.
const browser = await chromium.launchPersistentContext(join(place, "profile"), {
  args: ["--no-sandbox", "--disable-gpu"],
  executablePath: "/usr/bin/chromium",
});
try {
  const { value: url } = await createInterface({ input: relay.stdout })[Symbol.asyncIterator]().next();
  const file = join(place, "file.bin");
  writeFileSync(file, randomBytes(mib << 20));
  const send = () => execFileSync(share, ["send", "-q", "--relay", url, file], { env, encoding: "utf8" }).trim();

  const rate = (seconds) => mib / seconds;
  const program = () => {
    const link = send();
    const begun = performance.now();
    execFileSync(share, ["open", "-q", "-o", join(place, "out.bin"), link], { env });
    const took = (performance.now() - begun) / 1000;
    rmSync(join(place, "out.bin"));
    return rate(took);
  };
  /** The memory of a process that it shares with no other, and its share of what it shares, in KiB. */
  const memoryOf = (pid) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);
    } catch {
      return 0;
    }
  };
  /** The memory of the browser by kind of process, in KiB: contents of blobs are in the one without a type. */
  const memory = () => {
    const found = {};
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      let command = "";
      try {
        command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        continue;
      }
      if (!command.includes("/chromium/")) continue;
      const kind = /--type=([a-z-]+)/.exec(command)?.[1] ?? "browser";
      found[kind] = (found[kind] ?? 0) + memoryOf(pid);
    }
    return found;
  };
  const sum = (found) => Object.values(found).reduce((one, other) => one + other, 0);
  /** The most memory that the browser has had beyond that before the opening, then by process, and the longest task. */
  let [peak, peaks, longest] = [0, {}, 0];
  /** `weighs`: measures memory in place of time. Reading how much a process has stops it for a moment. */
  const page = async (weighs = false) => {
    const tab = await browser.newPage();
    await tab.addInitScript((end) => {
      globalThis.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
      }).observe({ type: "longtask" });
      // The driver looks twice a second only.
      addEventListener("keydown", ({ key }) => key === "Enter" && (globalThis.begun = performance.now()), true);
      globalThis.took = new Promise((done) => {
        const look = () => {
          const isShown = document.querySelector("main")?.textContent.includes(end);
          if (isShown) done(performance.now() - globalThis.begun);
        };
        new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
      });
    }, END);
    await tab.goto(url);
    // The shares of earlier rounds were not closed.
    await tab.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
    });
    await tab.goto(send());
    await tab.locator("details:has(#word) summary").click();
    await tab.locator("#word").fill("OPEN");
    const empty = sum(memory());
    const weigh = () => {
      const found = memory();
      if (sum(found) - empty > peak) [peak, peaks] = [sum(found) - empty, found];
    };
    const watch = weighs ? setInterval(weigh, 50) : undefined;
    await tab.keyboard.press("Enter");
    const late = new Promise((_, reject) => setTimeout(reject, LIMIT_MS, new Error("the page shows no file")).unref());
    const took = (await Promise.race([tab.evaluate(() => globalThis.took), late])) / 1000;
    clearInterval(watch);
    if (!weighs) longest = Math.max(longest, await tab.evaluate(() => globalThis.longest));
    await tab.close();
    return rate(took);
  };
  const library = async () => {
    // Any page of the relay: WebCrypto needs a secure context.
    const tab = await browser.newPage();
    const bundle = buildSync({
      stdin: { contents: `import * as age from "age-encryption"; globalThis.age = age;`, resolveDir: workshop },
      bundle: true,
      format: "iife",
      minify: true,
      write: false,
      target: "es2022",
    });
    await tab.goto(url);
    // The policy of the page forbids other scripts.
    await tab.evaluate(bundle.outputFiles[0].text);
    const took = await tab.evaluate(async (mib) => {
      const identity = await age.generateX25519Identity();
      const encrypter = new age.Encrypter();
      encrypter.addRecipient(await age.identityToRecipient(identity));
      const sealed = await encrypter.encrypt(new Uint8Array(mib << 20));
      const decrypter = new age.Decrypter();
      decrypter.addIdentity(identity);
      let at = 0;
      const slices = new ReadableStream({
        pull(to) {
          to.enqueue(sealed.subarray(at, at + (256 << 10)));
          at += 256 << 10;
          if (at >= sealed.length) to.close();
        },
      });
      const begun = performance.now();
      const reader = (await decrypter.decrypt(slices)).getReader();
      while (!(await reader.read()).done);
      return (performance.now() - begun) / 1000;
    }, mib);
    await tab.close();
    return rate(took);
  };

  await page(true);
  const found = { program: [], page: [], library: [] };
  for (let round = 0; round < 3; round++) {
    for (const [name, measure] of Object.entries({ program, page, library })) found[name].push(await measure());
  }
  const median = (figures) => figures.sort((a, b) => a - b)[1];
  const [p, q, l] = Object.values(found).map(median);
  const speeds = `program ${p.toFixed(0)} MiB/s, page ${q.toFixed(1)} MiB/s, library alone ${l.toFixed(1)} MiB/s`;
  console.log(`${mib} MiB, medians of 3: ${speeds}`);
  console.log(`page ÷ library ${(q / l).toFixed(2)}, page ÷ program ${(q / p).toFixed(3)}`);
  const byKind = Object.entries(peaks).map(([kind, used]) => `${kind} ${(used / 1024).toFixed(0)}`);
  const more = peak / 1024;
  console.log(`peak memory: ${more.toFixed(0)} MiB more than before it, ${(more / mib).toFixed(2)} × the file`);
  console.log(`at that time, in MiB: ${byKind.join(", ")}`);
  console.log(`longest task of the page's main thread: ${longest.toFixed(0)} ms (0: none above 50 ms)`);
} finally {
  await browser.close();
  relay.kill();
  rmSync(place, { recursive: true });
}
