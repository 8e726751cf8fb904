// Age files (https://age-encryption.org/v1). age-encryption reads and authenticates their headers, with the identity of
// recipients.ts. The page decrypts the chunks behind them itself, with noble's cipher, as age-encryption does: in
// workers, and without streams, which would copy each byte several times.

import { Decrypter } from "age-encryption";
import { CHUNK, type Chunks, decryptChunks, TAG } from "./chunks.ts";
import type { Part } from "./download.ts";
import { Refusal } from "./relay.ts";
import { derived } from "./sealed.ts";
import type { Spare } from "./spare.ts";

/** The longest age header that is parsed, in bytes. */
const HEADER_LIMIT = 4096;
/** Bytes of the line that ends a header, with the line break before it, and of the nonce behind it. */
const MAC_LINE = "\n--- \n".length + 43;
const NONCE = 16;

/** Decrypts an age file in memory. Throws if it is none of this identity. */
export async function decrypted(file: Uint8Array, identity: string): Promise<Uint8Array> {
  const { key, start } = await headed(file, identity);
  return decryptChunks({ key, first: 0, isLast: true, bytes: file.slice(start) });
}

/**
 * Reads the beginning of an age file: the key of its chunks, and the byte where they start. Throws if the header does
 * not end within `HEADER_LIMIT`, or has a stanza of a passphrase. age-encryption ignores such a stanza beside others,
 * but age forbids it, and the program refuses the file: an operator could not see what the page has shown.
 */
async function headed(file: Uint8Array, identity: string): Promise<{ key: Uint8Array; start: number }> {
  const head = String.fromCharCode(...file.subarray(0, HEADER_LIMIT));
  const end = head.search(/\n--- [0-9A-Za-z+/]{43}\n/);
  const isSound = end >= 0 && !/\n-> scrypt[ \n]/.test(head.slice(0, end + 1));
  const start = end + MAC_LINE + NONCE;
  if (!isSound || file.length < start) throw new Error("not a header that the program reads");
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const fileKey = await decrypter.decryptHeader(file.subarray(0, end + MAC_LINE));
  return { key: derived(fileKey, file.subarray(end + MAC_LINE, start), "payload"), start };
}

/**
 * The chunks of the age file at the beginning of a blob, of `length` bytes: each part with those that it completes, as
 * a function that copies them. The parts themselves stay as they are, because they are stored meanwhile.
 */
export async function* chunked(
  parts: AsyncGenerator<Part>,
  length: number,
  identity: string,
  spare: Spare,
): AsyncGenerator<[Part, () => Chunks]> {
  let key: Uint8Array | null = null;
  /** The beginning of a chunk that the next part completes. */
  let carry = new Uint8Array();
  let [left, first] = [length, 0];
  for await (const part of parts) {
    // The padding.
    if (left === 0) continue;
    let piece = part.bytes.subarray(0, left);
    left -= piece.length;
    if (key === null) {
      const begun = await headed(piece, identity).catch(() => null);
      if (begun === null) throw new Refusal("damaged");
      key = begun.key;
      piece = piece.subarray(begun.start);
    }
    const isLast = left === 0;
    const whole = carry.length + piece.length;
    const end = isLast ? whole : whole - (whole % (CHUNK + TAG));
    const job = { key, first, isLast };
    const [head, tail] = [carry, piece.subarray(0, end - carry.length)];
    const copied = () => {
      const bytes = spare.take(end);
      bytes.set(head);
      bytes.set(tail, head.length);
      return { ...job, bytes };
    };
    // Before the part is used again.
    carry = piece.slice(tail.length);
    first += end / (CHUNK + TAG);
    yield [part, copied];
  }
  if (key === null) throw new Refusal("damaged");
}
