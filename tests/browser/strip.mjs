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

/** A file that counts what is read from it. `onRead` is called before each time. */
function watched(parts, onRead = () => {}) {
  const file = new Blob(parts);
  const read = { bytes: 0, longest: 0 };
  const slice = (from, to = file.size) => {
    const part = file.slice(from, to);
    const arrayBuffer = async () => {
      await onRead();
      read.bytes += part.size;
      read.longest = Math.max(read.longest, part.size);
      return part.arrayBuffer();
    };
    return { size: part.size, arrayBuffer };
  };
  return { file: { size: file.size, slice }, read };
}

/** Long files are read in slices, films only in part; reading ends when it fails or is no longer wanted. */
async function checkReading(look) {
  const MIB = 1 << 20;
  const block = new Blob([new Uint8Array(MIB).fill(0x55)]);
  const of = async (label) => {
    const { at, length } = cases.find((one) => one.label === label);
    return bytesOf(files.slice(at, at + length));
  };
  const [photo, film] = [await of("shown.jpg"), await of("well.mp4")];
  const long = [photo.subarray(0, -2), ...Array(12).fill(block), photo.subarray(-2)];
  const size = Buffer.alloc(8);
  size.writeUInt32BE(200 * MIB + 8);
  size.write("mdat", 4);
  const hours = [film, size, ...Array(200).fill(block)];
  // Slices of the result are slices of the file: a result of this one cannot be made.
  const found = async (parts, onRead, signal) => {
    const { file, read } = watched(parts, onRead);
    return { read, error: await look(file, "a", signal).then(() => null, (error) => error) };
  };
  const { read: whole, error } = await found(long);
  assert.equal(error, null);
  assert.ok(whole.bytes >= 12 * MIB && whole.longest <= 256 * 1024, JSON.stringify(whole));
  const { read: part, error: other } = await found(hours);
  assert.equal(other, null);
  assert.ok(part.bytes < MIB && part.longest <= 256 * 1024, JSON.stringify(part));
  const { verdict } = await look(new Blob(hours), "a");
  assert.equal(verdict.content.size, new Blob(hours).size);
  assert.ok((await bytesOf(verdict.content.slice(film.length + 8))).every((byte) => byte === 0));

  const abortion = new AbortController();
  const reads = [];
  const aborted = await found(long, () => reads.push(reads.length) === 5 && abortion.abort("enough"), abortion.signal);
  assert.deepEqual([aborted.error, reads.length], ["enough", 5]);
  const unreadable = new DOMException("gone", "NotReadableError");
  const failed = await found(long, () => Promise.reject(unreadable));
  assert.equal(failed.error, unreadable);
  const { file } = watched(long);
  const shorter = { ...file, slice: (from, to) => new Blob(long).slice(from, Math.min(to, 3 * MIB)) };
  await assert.rejects(look(shorter, "a"), { name: "NotReadableError" });
}

const counts = {};
let longest = { time: 0, label: "" };
const place = withShortSlices();
try {
  const { look } = await bundled(workshop, "strip/look");
  const { look: lookShortly } = await bundled(place, "strip/look");
  if (cases.some(({ label }) => label === "shown.jpg")) await checkReading(look);
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
