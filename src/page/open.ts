// The flow of opening: look, claim, receive, finish. Nothing is claimed before the manifest was seen, and nothing is
// finished here: the viewer does that.

import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter } from "age-encryption";
import { crc32c } from "./crc32c.ts";
import { claimantOf, type Keys, receiptOf } from "./secret.ts";
import { type Entry, type Manifest, readManifest, TooNew } from "./manifest.ts";
import { Backoff } from "./retry.ts";
import { type Claimed, PART_LEN, Refusal } from "./relay.ts";
import * as relay from "./relay.ts";

/** A share that waits, and what is in it. */
export interface Envelope {
  /** Unix seconds. */
  readonly expires: number;
  readonly manifest: Manifest;
  /** The digest of the manifest as the relay keeps it: what is opened must be what was shown. */
  readonly digest: Uint8Array;
}

/** A share that is this browser's to open. */
export interface Opened {
  readonly manifest: Manifest;
  readonly claimed: Claimed;
}

/** Bytes within which a header must end before any parser sees it. */
const HEADER_LIMIT = 4096;
/** Bytes that are decrypted between two looks at the person's input. */
const SLICE = 256 * 1024;
/** The longest time without such a look, in milliseconds. */
const BUSY_MS = 30;
/** Lets the browser do what else it has to do. Timers would stand still in a tab that is not looked at. */
const breathe = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
/** How often a part that arrives whole and wrong is fetched before it is given up. */
const FETCHES = 2;
/** Plaintext is handed to the browser in pieces of this size, in bytes. */
const PIECE = 4 * 1024 * 1024;

// age-encryption uses WebCrypto's X25519 unless the browser lacks that algorithm. This page never uses it: over plain
// http there is no WebCrypto, and WebKitGTK's refuses about one key in a thousand (DataError), so that a share looked
// damaged.
const missing = () => Promise.reject(new DOMException("not used", "NotSupportedError"));
Object.defineProperty(globalThis.crypto, "subtle", { value: { importKey: missing, deriveBits: missing } });

const linkOf = (keys: Keys) => ({ id: keys.id, token: keys.linkToken });

/** Looks at what waits. */
export async function look(keys: Keys): Promise<Envelope> {
  const waiting = await relay.manifest(linkOf(keys), keys.openToken);
  return { expires: waiting.expires, manifest: await decryptedManifest(keys, waiting), digest: digestOf(waiting) };
}

/** Opens it: the one opening, which this claim token may repeat. `shown` is the digest of what the person agreed to open. */
export async function claim(keys: Keys, claimToken: Uint8Array, shown: Uint8Array): Promise<Opened> {
  const ask = () => relay.claim(linkOf(keys), keys.openToken, claimToken);
  const claimed = await ask().catch((error: unknown) => {
    // An earlier attempt of ours, whose answer was lost, may have won while this one was being looked at.
    return isOurs(error, keys.id, claimToken) ? ask() : Promise.reject(error as Error);
  });
  if (!sameBytes(digestOf(claimed), shown)) throw new Refusal("changed");
  const manifest = await decryptedManifest(keys, claimed);
  if (claimed.parts?.length !== Math.ceil(claimed.blob_len / PART_LEN)) throw new Refusal("damaged");
  return { manifest, claimed };
}

/** Whether it is refused because the holder of this claim token has opened it. */
export function isOurs(error: unknown, id: Uint8Array, claimToken: Uint8Array): error is Refusal {
  return error instanceof Refusal && error.why === "already-opened" && sameBytes(error.claimant, claimantOf(id, claimToken));
}

/** The digest of a manifest as it came: nothing where none came. */
function digestOf(waiting: relay.Waiting): Uint8Array {
  return sha256(relay.bytesOf(waiting.manifest) ?? new Uint8Array());
}

function sameBytes(some: Uint8Array | null, others: Uint8Array): boolean {
  return some?.length === others.length && some.every((byte, index) => byte === others[index]);
}

async function decryptedManifest(keys: Keys, waiting: relay.Waiting): Promise<Manifest> {
  const encrypted = relay.bytesOf(waiting.manifest);
  if (encrypted === null || !headerEnds(encrypted)) throw new Refusal("damaged");
  const decrypter = new Decrypter();
  decrypter.addIdentity(keys.manifestIdentity);
  try {
    return readManifest(await decrypter.decrypt(encrypted), waiting.blob_len);
  } catch (error) {
    throw error instanceof TooNew ? error : new Refusal("damaged");
  }
}

/** Whether the header of an age file ends early enough to be parsed. */
function headerEnds(file: Uint8Array): boolean {
  const head = String.fromCharCode(...file.subarray(0, HEADER_LIMIT));
  return /\n--- [0-9A-Za-z+/]{43}\n/.test(head);
}

/** The receipt that the relay gets when all of it is safe here. */
export function receiptFor(keys: Keys, claimToken: Uint8Array): Uint8Array {
  return receiptOf(keys, claimantOf(keys.id, claimToken));
}

/**
 * Fetches all of it, and decrypts it as it comes: padding and all, since stopping early would tell the true size.
 * Returns one blob a file, once the last byte has been verified. `arrived` hears of all bytes of the blob.
 */
export async function receive(
  keys: Keys,
  claimToken: Uint8Array,
  opened: Opened,
  waits: (seconds: number | null) => void,
  arrived: (bytes: number) => void,
  again: (now: () => void) => void,
): Promise<Blob[]> {
  const { claimed, manifest } = opened;
  const stop = new AbortController();
  const backoff = new Backoff(waits, Infinity, stop.signal);
  again(() => backoff.now());
  const line: Line = { holder: { id: keys.id, token: claimToken }, claimed, backoff, arrived, stop: stop.signal };
  const parts = fetched(line);
  const decrypter = new Decrypter();
  decrypter.addIdentity(keys.blobIdentity);
  const files = new Files(manifest.entries);
  try {
    const plain = (await headed(decrypter.decrypt(ageFile(parts, manifest.ageLen)))).getReader();
    let rested = performance.now();
    for (;;) {
      const { done, value } = await decrypting(plain.read());
      if (done) break;
      files.take(value);
      if (performance.now() - rested > BUSY_MS) {
        await breathe();
        rested = performance.now();
      }
    }
    for await (const _ of parts);
    return files.whole();
  } finally {
    // Nobody needs the parts that are still on their way.
    stop.abort();
  }
}

/** Turns any error of a header into `damaged`, except those of the way here. */
async function headed<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Refusal || error instanceof relay.NotNow ? error : new Refusal("damaged");
  }
}

/** The decrypter reports a damaged payload in plain errors; errors of ours and of the browser pass through it. */
async function decrypting<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const plain = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
    throw plain ? new Refusal("damaged") : error;
  }
}

/** How parts come. */
interface Line {
  readonly holder: relay.Credential;
  readonly claimed: Claimed;
  readonly backoff: Backoff;
  readonly arrived: (bytes: number) => void;
  readonly stop: AbortSignal;
}

/** The age file at the beginning of a blob, as slices. */
function ageFile(parts: AsyncGenerator<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  let part: Uint8Array = new Uint8Array();
  let left = length;
  let first = true;
  return new ReadableStream<Uint8Array>(
    {
      async pull(to) {
        if (part.length === 0) {
          const { done, value } = await parts.next();
          if (done || (first && !headerEnds(value))) throw new Refusal("damaged");
          first = false;
          part = value;
        }
        const slice = part.subarray(0, Math.min(SLICE, left));
        part = part.subarray(slice.length);
        left -= slice.length;
        to.enqueue(slice);
        if (left === 0) to.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** All parts in their order, each checked whole. While one is used, the next is on its way. */
async function* fetched(line: Line): AsyncGenerator<Uint8Array> {
  const get = (number: number) => {
    const part = number < line.claimed.parts.length ? fetchPart(line, number) : null;
    // Its failure is thrown where it is awaited, and not before.
    part?.catch(() => {});
    return part;
  };
  let next = get(0);
  for (let number = 1; next !== null; number++) {
    const part: Uint8Array = await next;
    next = get(number);
    yield part;
  }
}

async function fetchPart({ holder, claimed, backoff, arrived, stop }: Line, number: number): Promise<Uint8Array> {
  const length = Math.min(claimed.blob_len - number * PART_LEN, PART_LEN);
  const sum = claimed.parts[number]!;
  if (claimed.part?.length === length && crc32c(claimed.part) === sum) {
    arrived(length);
    return claimed.part;
  }
  for (let fetch = 0; fetch < FETCHES; fetch++) {
    const buffer = new Uint8Array(length);
    let filled = 0;
    const moved = (bytes: number) => {
      filled += bytes;
      backoff.progress();
      arrived(bytes);
    };
    await backoff.until(() => relay.part(holder, number, filled, buffer.subarray(filled), moved, stop));
    if (crc32c(buffer) === sum) return buffer;
    arrived(-length);
  }
  throw new Refusal("damaged");
}

/** The plaintext of a share, divided into its files: as much as the manifest announces, and not a byte more. */
class Files {
  readonly #entries: readonly Entry[];
  readonly #blobs: Blob[] = [];
  #pieces: Blob[] = [];
  #chunks: Uint8Array[] = [];
  #pending = 0;
  #taken = 0;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  take(bytes: Uint8Array): void {
    while (bytes.length > 0) {
      const entry = this.#entries[this.#blobs.length];
      if (entry === undefined) throw new Refusal("damaged");
      const part = bytes.subarray(0, entry.size - this.#taken);
      this.#chunks.push(part);
      this.#taken += part.length;
      this.#pending += part.length;
      if (this.#pending >= PIECE) this.#settle();
      bytes = bytes.subarray(part.length);
      if (this.#taken === entry.size) this.#close();
    }
  }

  /** Lets the browser keep what has come so far, where it keeps blobs. */
  #settle(): void {
    this.#pieces.push(new Blob(this.#chunks as BlobPart[]));
    this.#chunks = [];
    this.#pending = 0;
  }

  #close(): void {
    this.#settle();
    this.#blobs.push(new Blob(this.#pieces));
    this.#pieces = [];
    this.#taken = 0;
  }

  whole(): Blob[] {
    if (this.#taken > 0) throw new Refusal("damaged");
    while (this.#entries[this.#blobs.length]?.size === 0) this.#close();
    if (this.#blobs.length !== this.#entries.length) throw new Refusal("damaged");
    return this.#blobs;
  }
}
