// Checks the page's own code against the test vectors of the program.
// Usage: node vectors.mjs WORKSHOP VECTORS: the directory of the page's sources and packages, and the vectors.

// The times in the vectors are in UTC. Set before the first date is formatted.
process.env.TZ = "UTC";

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundled } from "./bundled.mjs";

const [workshop, answers] = process.argv.slice(2);
// The page asks its relay for the list of words, which fails at first.
const { files } = await import(pathToFileURL(join(workshop, "settings.mjs")).href);
const arrives = [false];
globalThis.location = new URL("https://relay.example/");
globalThis.fetch = async (url) =>
  new Response(arrives.shift() === false ? "" : files.find(({ path }) => url.pathname === `/page/${path}`).bytes);
const load = (name) => bundled(workshop, name);
const vectors = JSON.parse(readFileSync(answers, "utf8"));
const { shares, damaged, accepted_spellings, names, texts, sizes, times, manifests, reports } = vectors;
const { readLink } = await load("link");
const keys = await load("secret");
const { openersWords } = await load("opener");
assert.equal(await openersWords(new Uint8Array(32)), null);
const { readManifest, TooNew } = await load("manifest");
const { printable, safeName } = await load("safe_text");
const { crc32c } = await load("crc32c");
const { size, time } = await load("texts");

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));

for (const share of shares) {
  const link = readLink(share.fragment);
  assert.equal(link.fragment, share.fragment);
  assert.equal(link.flags, share.flags);
  assert.equal(hex(link.payload).slice(2), share.secret);
  const root = keys.rootOf(link);
  assert.equal(hex(root.id), share.id);
  assert.equal(hex(root.linkToken), share.link_token);
  for (const passphrase of [share.passphrase, share.passphrase_nfd ?? share.passphrase]) {
    const stretched = await keys.stretch(link, passphrase ?? "");
    assert.equal(hex(stretched), share.stretched);
    const opened = keys.keysOf(link, stretched);
    assert.equal(hex(opened.openToken), share.open_token);
    assert.equal(hex(opened.receiptKey), share.receipt_key);
    assert.equal(opened.manifestIdentity, share.manifest_identity);
    assert.equal(opened.blobIdentity, share.blob_identity);
    const claimant = keys.claimantOf(opened.id, bytes(share.claim_token));
    assert.equal(hex(claimant), share.claimant);
    assert.equal(await openersWords(claimant), share.openers_words);
    assert.equal(hex(keys.receiptOf(opened, claimant)), share.receipt);
  }
}

const errors = {
  "one character short": { why: "short", by: 1 },
  "three characters short": { why: "short", by: 3 },
  "one character wrong": { why: "damaged" },
  "two characters swapped": { why: "damaged" },
  "not a share link": { why: "not-a-link" },
  "unknown flag: needs a newer share": { why: "too-new" },
  "of another kind": { why: "damaged" },
};
for (const { text, why } of damaged) assert.deepEqual(readLink(text), errors[why], why);
assert.deepEqual(readLink(""), { why: "no-key" });
assert.deepEqual(readLink(`${shares[0].fragment}q`), { why: "long", by: 1 });
assert.equal(readLink(encodeURIComponent(` ${shares[0].fragment}`)).fragment, shares[0].fragment);
for (const spelling of accepted_spellings) {
  // A browser only passes the fragment on.
  assert.equal(readLink(spelling.slice(spelling.indexOf("#") + 1)).fragment, shares[0].fragment, spelling);
}

for (const { name, safe } of names) assert.equal(safeName(name, "file"), safe, name);
for (const { text, shown } of texts) assert.equal(printable(text), shown, JSON.stringify(text));
for (const { bytes, text } of sizes) assert.equal(size(bytes), text);
for (const { at, now, text } of times) assert.equal(time(at, now), text);

// RFC 3720, B.4.
assert.equal(crc32c(new Uint8Array(32)), "8a9136aa");
assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at)), "46dd794e");
assert.equal(crc32c(new TextEncoder().encode("123456789")), "e3069283");

// RFC 7748, 6.1.
const { scalarMult, scalarMultBase } = await load("x25519");
const alice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
const alicesPublic = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const bobsPublic = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
assert.equal(hex(await scalarMultBase(bytes(alice))), alicesPublic);
assert.equal(hex(await scalarMultBase(bytes(bob))), bobsPublic);
assert.equal(hex(await scalarMult(bytes(alice), bytes(bobsPublic))), shared);
assert.equal(hex(await scalarMult(bytes(bob), bytes(alicesPublic))), shared);
await assert.rejects(scalarMult(bytes(alice), new Uint8Array(32)), "a public key of low order");

// The build packs the wordlist.
const { wordlist } = createRequire(`${workshop}/`)("@scure/bip39/wordlists/english.js");
for (const [index, word] of wordlist.entries()) {
  const [first, second] = [index >> 3, (index & 7) << 5];
  assert.equal(await openersWords(Uint8Array.of(first, second, 0)), `${word} abandon`);
}

const utf8 = new TextEncoder();

// Reports: age files for the operator, which age decrypts; their form is that of src/report/body.rs.
const { keysFor, noteFor, publicKeyOf, seal } = await load("sealed");
const { Decrypter, identityToRecipient } = createRequire(`${workshop}/`)("age-encryption");
const operator = reports.operator_identity;
const recipient = await identityToRecipient(operator);
assert.equal(recipient, reports.operator_recipient);
const opened = async (sealed) => {
  const decrypter = new Decrypter();
  decrypter.addIdentity(operator);
  return new TextDecoder().decode(await decrypter.decrypt(sealed));
};
const to = publicKeyOf(recipient);
for (const other of ["", "age1", `${recipient}q`, operator, null, 1, recipient.replace("age1", "age1yubikey1")])
  assert.equal(publicKeyOf(other), null, String(other));
const share = shares[reports.share];
const keysOfShare = keys.keysOf(readLink(share.fragment), bytes(share.stretched));
const disclosed = reports.keys_json.padEnd(reports.keys_len);
const [one, another] = [0, 1].map(() => seal(to, keysFor(keysOfShare, bytes(share.claim_token))));
for (const sealed of [await one, await another, Buffer.from(reports.keys, "base64url")])
  assert.equal(await opened(sealed), disclosed);
assert.notDeepEqual(await one, await another);
const noteOf = async (note) => opened(await seal(to, noteFor(bytes(share.id), note)));
for (const plainNote of [await noteOf(reports.note), await opened(Buffer.from(reports.sealed_note, "base64url"))]) {
  assert.equal(plainNote.trimEnd(), reports.note_json);
  assert.equal(utf8.encode(plainNote).length, reports.note_len);
}
for (const { unit, times, len } of reports.note_lens)
  assert.equal(utf8.encode(await noteOf(unit.repeat(times))).length, len, `${times} times ${JSON.stringify(unit)}`);
// The longest note in the longest spelling.
const longest = await seal(to, noteFor(bytes(share.id), "\u0001".repeat(2000)));
assert.ok(longest.length <= 16_384 && (await opened(longest)).length === 6 * 2048, String(longest.length));
await assert.rejects(seal(new Uint8Array(32), new Uint8Array(1)), "a public key of low order");

const padded = (json, len) => utf8.encode(json + " ".repeat(len - utf8.encode(json).length));
for (const { about, json, len, blob_len, manifest } of manifests.accepted) {
  const { entries, age_len, view_only, created, ...words } = manifest;
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  const named = entries.map((entry) => ({ ...entry, name: entry.path.at(-1) ?? null }));
  const expected = { ...words, entries: named, ageLen: age_len, viewOnly: view_only, total };
  assert.deepEqual(readManifest(padded(json, len), blob_len), expected, about);
  assert.ok(json.includes(`"created":"${created}"`), about);
}
const expectRefused = (bytes, blobLen, why, about) =>
  assert.throws(
    () => readManifest(bytes, blobLen),
    (error) => error instanceof TooNew === (why === "newer version"),
    about,
  );
for (const { about, json, len, blob_len, why } of manifests.refused) {
  expectRefused(padded(json, len), blob_len, why, about);
}
for (const { about, head, unit, times, tail, len, blob_len, why } of manifests.long) {
  const bytes = padded(head + Array(times).fill(unit).join(",") + tail, len);
  if (why === null) assert.equal(readManifest(bytes, blob_len).entries.length, times, about);
  else expectRefused(bytes, blob_len, why, about);
}
// The page that sends writes the same.
const sending = {
  ...(await load("upload/keys")),
  ...(await load("upload/listing")),
  ...(await load("upload/blob")),
  ...(await load("upload/refused")),
};
for (const share of shares) {
  const link = sending.linkOf(share.flags, bytes(share.secret));
  assert.deepEqual(link, readLink(share.fragment));
  const fresh = { link, keys: keys.keysOf(link, bytes(share.stretched)), ownerToken: bytes(share.claim_token) };
  const { link: ofLink, open } = sending.verifiersOf(fresh);
  assert.equal(hex(Buffer.from(ofLink, "base64url")), share.link_verifier);
  assert.equal(hex(Buffer.from(open, "base64url")), share.open_verifier);
}
for (const { age_len, blob_len } of vectors.blob_len) assert.equal(sending.padded(age_len), blob_len);

/** The manifest that is written for the content of `json`. */
function written(json) {
  const { entries, name, from = null, note = null, age_len, blob_len, view_only, created } = JSON.parse(json);
  const files = entries.map(({ name, path = name === null ? [] : [name], type, size }) => ({ path, type, size }));
  const content = { name, from, note, files, ageLen: age_len, blobLen: blob_len, viewOnly: view_only };
  return sending.write({ ...content, now: Date.parse(`${created}T23:59:59Z`) });
}
// A sender writes no parameters of types, no empty directories and no programs; and not all words that a reader takes.
const unwritten =
  /"executable":true|"directories":\[\[|types|without anything|any text|longer|blank|hostile words|fill/;
let compared = 0;
for (const { about, json, len } of manifests.accepted) {
  if (unwritten.test(about) || unwritten.test(json)) continue;
  assert.deepEqual(Buffer.from(written(json)), Buffer.from(padded(json, len)), about);
  compared += 1;
}
assert.ok(compared >= 4, String(compared));
let long = 0;
for (const { about, head, unit, times, tail, len, why } of manifests.long) {
  const json = head + Array(times).fill(unit).join(",") + tail;
  if (about === "above the limit") assert.throws(() => written(json), { why: "too-many-files" });
  if (why !== null) continue;
  const bytes = Buffer.from(written(json));
  // Version 1 is shorter, and may suffice.
  if (bytes.subarray(0, 6).toString() !== json.slice(0, 6)) continue;
  assert.deepEqual(bytes, Buffer.from(padded(json, len)), about);
  long += 1;
}
assert.ok(long >= 2, String(long));
const listing = {
  ...{ name: "\ud800", from: " Anna\n\t\u0007B ", note: " \u200b " },
  ...{ ageLen: 300, blobLen: 4096, viewOnly: true, now: 0 },
  files: [
    { path: ["a/b", "..", "\udc00".repeat(300)], type: "image/JPEG; x=y", size: 1 },
    { path: ["a_b"], type: "x", size: 2 },
  ],
};
const read = () => readManifest(sending.write(listing), 4096);
// A file is named like a directory of another one: the names alone are kept.
const listed = (member) => read().entries.map((entry) => entry[member]);
assert.deepEqual(listed("path"), [["\ufffd".repeat(255)], ["a_b"]]);
listing.files[1].path = ["a\\b"];
assert.deepEqual(listed("path"), [["a_b", "_", "\ufffd".repeat(255)], ["a\\b"]]);
assert.deepEqual(listed("type"), ["image/jpeg", "application/octet-stream"]);
assert.deepEqual([read().name, read().from, read().note, read().viewOnly], ["\ufffd", "Anna B", null, true]);

// Age files of every length that has a boundary, which age-encryption decrypts, and the page part by part.
const { chunked } = await load("age");
const { CHUNK, decryptChunks, TAG } = await load("chunks");
const { Spare } = await load("spare");
const identity = shares[0].blob_identity;
const to2 = await sending.publicKeyOf(identity);
const decrypted = async (file) => {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return Buffer.from(await decrypter.decrypt(file));
};
/** The plaintext of the first `ageLen` bytes of a blob, as the page decrypts it; `null` if it is damaged. */
const received = async (blob, ageLen) => {
  const parts = async function* () {
    for (let at = 0; at < blob.length; at += part) yield { bytes: blob.subarray(at, at + part) };
  };
  const plain = [];
  const spare = new Spare(part + CHUNK + TAG);
  try {
    for await (const [, chunks] of chunked(parts(), ageLen, identity, spare)) {
      // A worker that failed does not return the bytes.
      chunks().bytes.fill(0);
      const bytes = await decryptChunks(chunks());
      plain.push(Buffer.from(bytes));
      spare.give(bytes);
    }
  } catch {
    return null;
  }
  return Buffer.concat(plain);
};
const pattern = (length) => Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
const part = 4 * 1024 * 1024;
const edges = [0, 1, 65_535, 65_536, 65_537, 262_144, 393_216, part - 184 - 64 * 16, part, part + 1, 9_000_000];
for (const length of edges) {
  const plain = pattern(length);
  const cuts = [0, 1, 70_000, 300_001, length].filter((cut) => cut <= length).sort((one, other) => one - other);
  const contents = cuts.map((cut, at) => new Blob([plain.subarray(cut, cuts[at + 1] ?? cut)]));
  const blob = await sending.Blobs.begin(to2, contents);
  const ageLen = sending.ageLenOf(length);
  const whole = sending.padded(ageLen);
  const pieces = [];
  for (let next; (next = await blob.next()) !== null; ) {
    const piece = Buffer.from(await next.content.arrayBuffer());
    assert.deepEqual([next.number, next.crc], [pieces.length, crc32c(piece)]);
    pieces.push(piece);
  }
  assert.ok(pieces.slice(0, -1).every((piece) => piece.length === part), String(length));
  const file = Buffer.concat(pieces);
  assert.equal(file.length, whole, String(length));
  assert.deepEqual(await decrypted(file.subarray(0, ageLen)), Buffer.from(plain), String(length));
  assert.deepEqual(await received(file, ageLen), Buffer.from(plain), String(length));
  // A length that is false, and a file without its last chunk or with a damaged bit.
  const last = (ageLen - 184) % 65_552 || 65_552;
  for (const other of [ageLen - 1, ageLen + 1, ageLen - last, ageLen - last + 16, 0, 184, 200]) {
    if (other === ageLen || other > file.length) continue;
    assert.equal(await received(file, other), null, `${length}: ${other}`);
  }
  for (const at of [0, 183, 184, ageLen - 17, ageLen - 1]) {
    const damaged = Buffer.from(file);
    damaged[at] ^= 1;
    assert.equal(await received(damaged, ageLen), null, `${length}: ${at}`);
  }
  // The padding has no pattern.
  const padding = file.subarray(ageLen);
  if (padding.length > 4096) assert.ok(new Set(padding.subarray(0, 4096)).size > 250, String(length));
  if (length <= part) assert.deepEqual(await decrypted(await sending.sealed(to2, plain)), Buffer.from(plain));
}
console.log("held");
