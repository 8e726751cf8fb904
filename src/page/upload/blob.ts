// The blob of a share, part by part: an age file (https://age-encryption.org/v1) and padding (PROTOCOL.md).
//
// Each chunk is read into the buffer of a part and encrypted there, so that a share of any size takes the memory of
// that buffer and of the parts that are on their way. The encrypter of age-encryption would copy each byte four times,
// and bring kinds of recipients that no share has: P-256, and ML-KEM. The cipher is that of noble, as there.
// src/seal/sealer.rs writes the same form; tests open it with the program, with age, and with age-encryption.

import { chacha20, chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { CHUNK, nonceOf, TAG } from "../chunks.ts";
import { crc32c } from "../crc32c.ts";
import { type Content, PART_LEN } from "../relay.ts";
import { resting } from "../rest.ts";
import { begin } from "../sealed.ts";
import { random } from "./keys.ts";
import { Refused } from "./refused.ts";

/** Bytes of a header with one X25519 recipient and the nonce of the payload. */
const HEAD_LEN = 184;
/** Bytes of a file that are read at once. */
const SLICE = 256 * 1024;
/** The shortest blob, in bytes. */
const SHORTEST = 4096;

/** Bytes of the age file of so many bytes. */
export function ageLenOf(plain: number): number {
  return HEAD_LEN + plain + TAG * Math.max(1, Math.ceil(plain / CHUNK));
}

/** A length with its padding (PADMÉ), and at least `SHORTEST`. */
export function padded(length: number): number {
  if (length <= SHORTEST) return SHORTEST;
  // The place of the highest bit. Logarithms of large numbers are not exact.
  const exponent = length.toString(2).length - 1;
  const varying = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - varying);
  return Math.ceil(length / step) * step;
}

/** The bytes of all files, one after the other. The next slice is read while one is encrypted. */
class Plaintext {
  #item = -1;
  #offset = 0;
  #slice: Uint8Array = new Uint8Array();
  #next: Promise<Uint8Array | null>;

  constructor(private readonly contents: readonly Blob[]) {
    this.#next = this.#read();
  }

  /** Reads the next slice; `null` at the end. */
  #read(): Promise<Uint8Array | null> {
    while (this.#item < 0 || this.#offset === this.contents[this.#item]!.size) {
      this.#item += 1;
      this.#offset = 0;
      if (this.#item === this.contents.length) return Promise.resolve(null);
    }
    const item = this.#item;
    const start = this.#offset;
    const slice = this.contents[item]!.slice(start, start + SLICE);
    this.#offset += slice.size;
    const unreadable = () => new Refused("unreadable", { item });
    const read = slice.arrayBuffer().then((bytes) => {
      if (bytes.byteLength !== slice.size) throw unreadable();
      return new Uint8Array(bytes);
    }, () => Promise.reject(unreadable()));
    // An error is thrown where the slice is awaited; this prevents an unhandled rejection.
    read.catch(() => {});
    return read;
  }

  /** Fills `space`. The caller knows that there is so much. */
  async fill(space: Uint8Array): Promise<void> {
    for (let filled = 0; filled < space.length; ) {
      if (this.#slice.length === 0) {
        const slice = await this.#next;
        if (slice === null) throw new Error("the files are shorter than their sizes");
        this.#slice = slice;
        this.#next = this.#read();
      }
      const piece = this.#slice.subarray(0, space.length - filled);
      space.set(piece, filled);
      filled += piece.length;
      this.#slice = this.#slice.subarray(piece.length);
    }
  }
}

/** Firefox frees the memory of blobs late, and sends arrays faster. Chromium sends blobs twenty times as fast. */
const IS_FIREFOX = /\bGecko\/\d/.test(globalThis.navigator?.userAgent ?? "");

/** A part of a blob. */
export interface Part {
  /** From 0. */
  readonly number: number;
  /** The checksum of its bytes. */
  readonly crc: string;
  /** Bytes. */
  readonly length: number;
  /** Its bytes, in the form that this engine sends and frees best. */
  readonly content: Content;
}

/** Encrypts files to the parts of a blob. */
export class Blobs {
  readonly #plaintext: Plaintext;
  readonly #rest = resting();
  /** The key of the padding, which is a keystream: it looks like the chunks, and is thrown away. */
  readonly #paddingKey = random(32);
  /** The part that is made. The last chunk in it may reach into the next one. */
  readonly #buffer: Uint8Array<ArrayBuffer>;
  /** Bytes for the next part: first the header, later the end of a chunk. */
  #carry: Uint8Array;
  #chunks = 0;
  #number = 0;
  /** Bytes of plaintext and of padding that are still to come. */
  #plain: number;
  #padding: number;
  #isBegun = false;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    contents: readonly Blob[],
    head: Uint8Array,
    private readonly key: Uint8Array,
  ) {
    this.#plaintext = new Plaintext(contents);
    this.#plain = contents.reduce((sum, { size }) => sum + size, 0);
    const ageLen = ageLenOf(this.#plain);
    this.#padding = padded(ageLen) - ageLen;
    this.#buffer = new Uint8Array(Math.min(padded(ageLen), PART_LEN) + CHUNK + TAG);
    this.#carry = head;
  }

  /** Begins the blob of these files for a public key. */
  static async begin(to: Uint8Array, contents: readonly Blob[]): Promise<Blobs> {
    const { head, key } = await begin(to);
    return new Blobs(contents, head, key);
  }

  /** The next part; `null` after the last. Calls at the same time take turns. */
  next(): Promise<Part | null> {
    const next = this.#turn.then(() => this.#next());
    this.#turn = next.catch(() => {});
    return next;
  }

  async #next(): Promise<Part | null> {
    const buffer = this.#buffer;
    buffer.set(this.#carry);
    let filled = this.#carry.length;
    while (filled < PART_LEN) {
      if (this.#plain > 0 || !this.#isBegun) filled += await this.#chunk(buffer.subarray(filled));
      else if (this.#padding > 0) filled += this.#pad(buffer.subarray(filled));
      else break;
      await this.#rest();
    }
    const length = Math.min(filled, PART_LEN);
    this.#carry = buffer.slice(length, filled);
    if (length === 0) return null;
    const bytes = buffer.subarray(0, length);
    const content = IS_FIREFOX ? bytes.slice() : new Blob([bytes]);
    return { number: this.#number++, crc: crc32c(bytes), length, content };
  }

  /** Reads a chunk and encrypts it in place. Returns its length with the tag. */
  async #chunk(space: Uint8Array): Promise<number> {
    const length = Math.min(this.#plain, CHUNK);
    const chunk = space.subarray(0, length);
    await this.#plaintext.fill(chunk);
    this.#plain -= length;
    this.#isBegun = true;
    const nonce = nonceOf(this.#chunks++, this.#plain === 0);
    chacha20poly1305(this.key, nonce).encrypt(chunk, space.subarray(0, length + TAG));
    return length + TAG;
  }

  #pad(space: Uint8Array): number {
    const piece = space.subarray(0, Math.min(this.#padding, CHUNK)).fill(0);
    chacha20(this.#paddingKey, nonceOf(this.#chunks++, false), piece, piece);
    this.#padding -= piece.length;
    return piece.length;
  }
}

/** Encrypts an age file in memory. */
export async function sealed(to: Uint8Array, plain: Uint8Array): Promise<Uint8Array> {
  const { head, key } = await begin(to);
  const file = new Uint8Array(ageLenOf(plain.length));
  file.set(head);
  for (let chunk = 0, start = 0; chunk === 0 || start < plain.length; chunk++, start += CHUNK) {
    const piece = plain.subarray(start, start + CHUNK);
    const at = HEAD_LEN + chunk * (CHUNK + TAG);
    const isLast = start + CHUNK >= plain.length;
    chacha20poly1305(key, nonceOf(chunk, isLast)).encrypt(piece, file.subarray(at, at + piece.length + TAG));
  }
  return file;
}
