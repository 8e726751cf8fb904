// Compares the characters that the page replaces with those that the program replaces. `node characters.mjs WORKSHOP
// EXPECTED`: the page's sources and packages, and a file with what the program does.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bundled } from "./bundled.mjs";

const [workshop, expected] = process.argv.slice(2);
const { printable } = await bundled(workshop, "safe_text");

const isSurrogate = (point) => point >= 0xd800 && point <= 0xdfff;
/** The planes with characters that are part of a sequence. */
const mayBeInASequence = (point) => point <= 0x1ffff || (point >= 0xe0000 && point <= 0xe0fff);

for (const { before, after, runs } of JSON.parse(readFileSync(expected, "utf8"))) {
  const found = [];
  let last = null;
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point === 0x20 || isSurrogate(point)) continue;
    if (before + after !== "" && !mayBeInASequence(point)) continue;
    const letters = [...printable(before + String.fromCodePoint(point) + after)];
    const marks = letters.flatMap((letter, at) => (letter === "\ufffd" ? [at] : []));
    if (String(marks) !== last) found.push([point, marks]);
    last = String(marks);
  }
  assert.deepEqual(found, runs, JSON.stringify([before, after]));
}
console.log("held");
