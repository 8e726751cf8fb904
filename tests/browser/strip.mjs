// Removes metadata with the page's code and compares the results with the program's. `node strip.mjs WORKSHOP CASES`:
// the page's sources and packages; a directory with `files`, one file behind the other, and `cases`, a line each with
// the name, offset and length of a file and what the program does with it. Prints the number of cases of each outcome
// and the longest time in milliseconds.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, openAsBlob, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundled } from "./bundled.mjs";

const [workshop, directory] = process.argv.slice(2);
const files = await openAsBlob(join(directory, "files"));
const cases = readFileSync(join(directory, "cases"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

/** The same sources with slices so short that their ends fall anywhere. */
function withShortSlices() {
  const place = mkdtempSync(join(directory, "short-"));
  cpSync(workshop, place, { recursive: true, filter: (path) => !path.endsWith("node_modules") });
  symlinkSync(join(workshop, "node_modules"), join(place, "node_modules"));
  const scan = join(place, "strip/scan.ts");
  const before = readFileSync(scan, "utf8");
  const after = before.replace(/^(const LEAST =).*$/m, "$1 7;").replace(/^(const MOST =).*$/m, "$1 61;");
  assert.ok(after.includes("LEAST = 7;") && after.includes("MOST = 61;"));
  writeFileSync(scan, after);
  return place;
}

/** The page's results in the words of the program's. */
async function judged(look, { name, at, length }) {
  // In memory, so that the time is that of the code.
  const file = new Blob([await bytesOf(files.slice(at, at + length))]);
  const begun = performance.now();
  const { type, verdict } = await look(file, name);
  const time = performance.now() - begun;
  if (verdict.kind !== "cleaned") return { time, found: { type, ...verdict } };
  const { content, ...rest } = verdict;
  return { time, found: { type, ...rest, length: content.size, sha256: sha256(await bytesOf(content)) } };
}

const counts = {};
let longest = { time: 0, label: "" };
const place = withShortSlices();
try {
  const { look } = await bundled(workshop, "strip/look");
  const { look: lookShortly } = await bundled(place, "strip/look");
  for (const one of cases) {
    const { time, found } = await judged(look, one);
    assert.deepEqual(found, one.expected, one.label);
    counts[found.kind] = (counts[found.kind] ?? 0) + 1;
    if (time > longest.time) longest = { time: Math.round(time), label: one.label };
    if (!one.short) continue;
    const { found: same } = await judged(lookShortly, one);
    assert.deepEqual(same, one.expected, `${one.label}, in short slices`);
  }
} finally {
  rmSync(place, { recursive: true });
}
console.log(JSON.stringify({ counts, longest }));
