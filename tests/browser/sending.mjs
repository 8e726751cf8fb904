// Sends with the page's own engine, in node. `node sending.mjs WORKSHOP`: the page's sources and packages. It reads one
// JSON object per line from standard input, and answers each with a line:
//
// { relay, items: [{ path, type, file }], ... }   the page's relay, files on this disk, and options of a sender
//
// The answer is { sent, events }, or { refused, details, events }. `sent` has the links and what decrypts the shares.

import { openAsBlob } from "node:fs";
import { createInterface } from "node:readline";
import { bundled } from "./bundled.mjs";

const [workshop] = process.argv.slice(2);
globalThis.navigator = {};
globalThis.isSecureContext = true;
globalThis.addEventListener = globalThis.removeEventListener = () => {};
const all = await bundled(workshop, "upload/sending");
const { readLink } = await bundled(workshop, "link");
const { keysOf, stretch } = await bundled(workshop, "secret");
const hex = (bytes) => Buffer.from(bytes).toString("hex");

async function sentBy({ relay, items, cancelAfter = null, passphrase = null, ...options }) {
  globalThis.location = new URL("send", relay);
  const opened = await Promise.all(
    items.map(async ({ path, type, file }) => ({ path, type, content: await openAsBlob(file) })),
  );
  const events = { begin: [], sent: [], waits: 0 };
  const sending = new all.Sending(
    opened,
    {
      ...{ ttl: 3600, viewOnly: false, from: null, note: null, name: null, createToken: null, recipients: [null] },
      ...{ ...options, passphrase },
    },
    {
      begin: (total) => events.begin.push(total),
      sent: (bytes) => {
        events.sent.push(bytes);
        if (cancelAfter !== null && bytes >= cancelAfter) void sending.cancel();
      },
      waits: () => {
        events.waits += 1;
        sending.now();
      },
    },
  );
  const sent = await sending.run().catch((error) => error);
  if (!Array.isArray(sent)) {
    if (!(sent instanceof all.Refused)) throw sent;
    return { refused: sent.why, details: sent.details, events };
  }
  const shares = sent.map(async ({ link, expires, kept }) => {
    const read = readLink(link.split("#")[1]);
    const keys = keysOf(read, await stretch(read, passphrase ?? ""));
    const { manifestIdentity, blobIdentity } = keys;
    return { link, expires, id: hex(kept.id), kind: kept.kind, count: kept.count, manifestIdentity, blobIdentity };
  });
  return { sent: await Promise.all(shares), events };
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await sentBy(JSON.parse(line)))}\n`);
process.exit(0);
