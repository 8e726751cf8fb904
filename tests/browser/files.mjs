// Checks how the page loads its other files. `node files.mjs WORKSHOP`: the page's sources and packages.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { bundled } from "./bundled.mjs";

const table = '{"a":"b"}';
const sha256 = createHash("sha256").update(table).digest("hex");
const FILES = JSON.stringify({ de: sha256 });
const { load } = await bundled(process.argv[2], "files", { FILES });

let answer = null;
let asked = null;
globalThis.location = new URL("https://relay.example/base/?fbclid=x#share1key");
globalThis.fetch = async (url, options) => {
  asked = [String(url), options.redirect, options.credentials, options.cache];
  return answer();
};
const answers = (body, status = 200) => (answer = () => new Response(body, { status }));

answers(table);
assert.equal(new TextDecoder().decode(await load("de")), table);
const url = `https://relay.example/base/page/de-${sha256.slice(0, 16)}.json`;
assert.deepEqual(asked, [url, "error", "same-origin", "no-store"]);

const refused = async (why) => assert.rejects(load("de"), Error, why);
for (const body of ["", " ", "{}", `${table}\n`, table.slice(1)]) {
  answers(body);
  await refused(JSON.stringify(body));
}
answers(table, 404);
await refused("an error with the right content");
answers(null);
await refused("no body");
answer = () => Promise.reject(new TypeError("network error"));
await refused("no network");

// A body without an end is cancelled.
let cancelled = false;
answers(
  new ReadableStream({
    pull: (to) => to.enqueue(new Uint8Array(64 * 1024)),
    cancel: () => void (cancelled = true),
  }),
);
await refused("no end");
assert(cancelled);

asked = null;
for (const name of ["fr", "", "toString", "__proto__"]) await assert.rejects(load(name), Error, name);
assert.equal(asked, null);
console.log("held");
