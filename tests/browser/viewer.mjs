// Checks the page's geometry, tally and archives. `node viewer.mjs WORKSHOP ARCHIVE`: the page's sources and packages,
// and the file to write an archive to.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { bundled } from "./bundled.mjs";

const [workshop, archive] = process.argv.slice(2);
const load = (name) => bundled(workshop, name);
const { bounded, closest, closeUp, fitted, resized, zoomed } = await load("geometry");
const { Tally } = await load("tally");
const { crc32 } = await load("crc32");
const { safePaths, zip } = await load("zip");

// ---- Geometry

const phone = { width: 400, height: 800 };
const wide = { width: 4000, height: 3000 };
const tall = { width: 3000, height: 4000 };
const icon = { width: 16, height: 16 };
assert.deepEqual(fitted(wide, phone), { scale: 0.1, x: 0, y: 250 });
assert.deepEqual(fitted(tall, { width: 800, height: 400 }), { scale: 0.1, x: 250, y: 0 });
assert.deepEqual(fitted({ width: 200, height: 100 }, phone), { scale: 2, x: 0, y: 300 }, "small ones are enlarged");
assert.deepEqual(fitted(icon, phone), { scale: 8, x: 136, y: 336 }, "but only so much");

assert.equal(closeUp(wide, phone, 1), 1, "the picture's own pixels");
assert.equal(closeUp(wide, phone, 2), 0.5, "on a dense screen too");
assert.equal(closeUp({ width: 400, height: 300 }, phone, 1), 2, "twice the fitted size of a small one");
assert.equal(closest(wide, phone, 2), 2);

// The pixel under the finger stays there.
const fit = fitted(wide, phone);
const finger = { x: 100, y: 400 };
const pixel = ({ scale, x, y }, at) => [(at.x - x) / scale, (at.y - y) / scale];
const near = zoomed(fit, 1, finger, finger, wide, phone);
assert.deepEqual(pixel(near, finger), pixel(fit, finger));
assert.deepEqual(pixel(near, finger), [1000, 1500]);
// A pinch moves it with the fingers.
const moved = zoomed(near, 2, finger, { x: 150, y: 300 }, wide, phone);
assert.deepEqual(pixel(moved, { x: 150, y: 300 }), [1000, 1500]);
// At an edge there is no gap.
assert.equal(zoomed(fit, 1, { x: 0, y: 250 }, { x: 0, y: 250 }, wide, phone).x, 0);
assert.deepEqual(bounded({ scale: 1, x: 50, y: 50 }, wide, phone), { scale: 1, x: 0, y: 0 });
assert.deepEqual(bounded({ scale: 1, x: -9000, y: -9000 }, wide, phone), { scale: 1, x: -3600, y: -2200 });
// Across the other dimension, what is smaller than the stage stays in the middle.
assert.equal(bounded({ scale: 0.2, x: -100, y: 0 }, wide, phone).y, 100);

// A phone that is turned keeps its middle.
const turned = { width: 800, height: 400 };
const after = resized(near, wide, phone, turned);
assert.deepEqual(pixel(after, { x: 400, y: 200 }), pixel(near, { x: 200, y: 400 }));

// ---- What is highlighted

const tally = new Tally(3);
assert.equal(tally.main(0, null), "next", "files have not been seen");
tally.seen.add(0);
assert.deepEqual([tally.after(0), tally.after(1), tally.after(2)], [1, 2, 1]);
assert.equal(tally.main(1, "save"), "save", "a file that cannot be shown is saved first");
tally.download([1]);
assert.equal(tally.main(1, "save"), "next");
assert.equal(tally.main(2, null), null, "only this one is left, and is not seen yet");
assert.deepEqual(tally.missing(), [2]);
tally.seen.add(2);
assert.equal(tally.main(2, null), "close");
assert.equal(tally.after(2), null);
tally.keep([1]);
tally.download([1]);
assert.deepEqual([[...tally.kept], [...tally.unsure]], [[1], []], "what an app has taken is saved");
assert.equal(new Tally(1).main(0, null), null, "closing is never the main action before the file was seen");
assert.equal(new Tally(1).main(0, "share"), "share");

// ---- Archives

assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
const given = [["Österreich", "Gärten.txt"], ["Österreich", "GÄRTEN.txt"], [], [], ["..", "etc", "pass:wd"], ["x"]];
given.push(["x", "y"], ["a.txt"], ["a.txt"], ["run.sh"], ["leer"]);
const paths = safePaths(given, given.map(() => "photo.jpg"));
assert.deepEqual(paths, [
  ...["Österreich/Gärten.txt", "Österreich/GÄRTEN (2).txt", "photo.jpg", "photo (2).jpg", "folder/etc/pass_wd"],
  ...["x (2)", "x/y", "a.txt", "a (2).txt", "run.sh", "leer"],
]);
// Equal names from a stranger must not freeze the tab: they take a time in proportion to their number.
const began = performance.now();
const equal = safePaths(Array.from({ length: 10_000 }, () => ["a.txt"]), []);
assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
assert.deepEqual([equal.at(-1), new Set(equal).size], ["a (10000).txt", 10_000]);
const blobs = paths.map((path) => new Blob([`${path}\n`.repeat(10_000)]));
blobs[2] = new Blob([]);
let read = 0;
const parts = [];
const files = paths.map((path, at) => ({ path, blob: at === 10 ? null : blobs[at], isExecutable: at === 9 }));
for await (const part of zip(files, (bytes) => (read += bytes))) parts.push(part);
assert.equal(read, blobs.slice(0, 10).reduce((sum, { size }) => sum + size, 0));
assert.ok(blobs.slice(0, 10).every((blob) => parts.includes(blob)), "no file is copied");
writeFileSync(archive, new Uint8Array(await new Blob(parts).arrayBuffer()));
console.log("held");
