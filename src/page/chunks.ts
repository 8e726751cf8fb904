// The payload of an age file (https://age-encryption.org/v1): chunks of 64 KiB, each encrypted on its own. The workers
// have this module too (worker.ts).

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";

/** Bytes of plaintext in a chunk, and of the tag behind it. */
export const CHUNK = 64 * 1024;
export const TAG = 16;

/** Chunks that follow one another in a file. */
export interface Chunks {
  readonly key: Uint8Array;
  /** The number of the first one. */
  readonly first: number;
  /** Whether the last one of them is the last one of the file. */
  readonly isLast: boolean;
  /** The chunks, with their tags, in a buffer of their own. Only the last one of a file may be shorter than others. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The nonce of chunk `number`: eleven bytes of counter, and one that marks the last chunk. */
export function nonceOf(number: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(3, Math.floor(number / 2 ** 32));
  view.setUint32(7, number % 2 ** 32);
  nonce[11] = Number(isLast);
  return nonce;
}

/** Decrypts chunks in place. Throws a plain `Error` if one is damaged. `rest` is awaited after each chunk. */
export async function decryptChunks(
  { key, first, isLast, bytes }: Chunks,
  rest = () => Promise.resolve(),
): Promise<Uint8Array<ArrayBuffer>> {
  let filled = 0;
  // Even an empty file has a chunk.
  for (let at = 0, number = first; at === 0 || at < bytes.length; at += CHUNK + TAG, number++) {
    const chunk = bytes.subarray(at, at + CHUNK + TAG);
    const isEnd = isLast && at + CHUNK + TAG >= bytes.length;
    const plain = bytes.subarray(filled, filled + chunk.length - TAG);
    chacha20poly1305(key, nonceOf(number, isEnd)).decrypt(chunk, plain);
    if (plain.length === 0 && number > 0) throw new Error("the last chunk is empty");
    filled += plain.length;
    await rest();
  }
  return bytes.subarray(0, filled);
}
