// Decrypts files in the format of age's test kit as the page does. `node age.mjs WORKSHOP KIT...`: the page's sources
// and packages, and directories with such files. Prints, by name, the identity, the file and the plaintext in base64,
// which is null if the page refuses the file, and whether the kit expects that. Leaves out files for other kinds of
// keys, and large ones.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { bundled } from "./bundled.mjs";

const [workshop, ...kits] = process.argv.slice(2);
globalThis.location = new URL("https://relay.example/");
const { decrypted } = await bundled(workshop, "age");

/** Larger files, in bytes, take too long. */
const MOST = 1 << 20;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const found = {};
for (const [kit, name] of kits.flatMap((each) => readdirSync(each).map((name) => [each, name]))) {
  const all = readFileSync(join(kit, name));
  const end = all.indexOf("\n\n");
  const lines = all.subarray(0, end).toString().split("\n");
  const { identity, armored, compressed, expect, payload } = Object.fromEntries(
    lines.map((line) => line.split(/: (.*)/).slice(0, 2)),
  );
  if (identity === undefined || armored !== undefined) continue;
  const stored = all.subarray(end + 2);
  const file = compressed === undefined ? stored : inflateSync(stored);
  if (file.length > MOST) continue;
  const plain = await decrypted(new Uint8Array(file), identity).catch(() => null);
  const isExpected = expect === "success" ? plain !== null && sha256(plain) === payload : plain === null;
  found[name] = { identity, file: file.toString("base64"), plain: plain && sha256(plain), isExpected };
}
console.log(JSON.stringify(found));
