// The steps of opening: look, claim, receive. A claim requires the digest of the manifest that was shown before. The
// viewer decides when a share is finished.

import { sha256 } from "@noble/hashes/sha2.js";
import { Decrypter } from "age-encryption";
import { fetched, type Line } from "./download.ts";
import { claimantOf, type Keys, receiptOf } from "./secret.ts";
import { type Entry, type Manifest, readManifest, TooNew } from "./manifest.ts";
import { Backoff } from "./retry.ts";
import { type Claimed, PART_LEN, Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import { resting } from "./rest.ts";

/** A waiting share and its manifest. */
export interface Envelope {
  /** Unix seconds. */
  readonly expires: number;
  readonly manifest: Manifest;
  /** SHA-256 of the encrypted manifest, so that the claim is of the share that was shown. */
  readonly digest: Uint8Array;
}

/** A share that this browser has claimed. */
export interface Opened {
  readonly manifest: Manifest;
  readonly claimed: Claimed;
}

/** The longest age header that is parsed, in bytes. */
const HEADER_LIMIT = 4096;
/** Bytes that are decrypted before the browser may handle input. */
const SLICE = 256 * 1024;
/** Plaintext is handed to the browser in pieces of this size, in bytes. */
const PIECE = 4 * 1024 * 1024;

const linkOf = (keys: Keys) => ({ id: keys.id, token: keys.linkToken });

/** Downloads and decrypts the manifest. Consumes nothing. */
export async function look(keys: Keys): Promise<Envelope> {
  const waiting = await relay.manifest(linkOf(keys), keys.openToken);
  return { expires: waiting.expires, manifest: await decryptedManifest(keys, waiting), digest: digestOf(waiting) };
}

/**
 * Claims the share. The same claim token may repeat the claim. `shown` is the digest of the manifest that was shown;
 * another one is refused.
 */
export async function claim(keys: Keys, claimToken: Uint8Array, shown: Uint8Array): Promise<Opened> {
  const ask = () => relay.claim(linkOf(keys), keys.openToken, claimToken);
  const claimed = await ask().catch((error: unknown) => {
    // An earlier attempt with this token, whose answer was lost, may have won: the relay then answers a repeated claim.
    return isOurs(error, keys.id, claimToken) ? ask() : Promise.reject(error as Error);
  });
  if (!sameBytes(digestOf(claimed), shown)) throw new Refusal("changed");
  const manifest = await decryptedManifest(keys, claimed);
  if (claimed.parts?.length !== Math.ceil(claimed.blob_len / PART_LEN)) throw new Refusal("damaged");
  return { manifest, claimed };
}

/** Whether a refusal names the holder of this claim token as the opener. */
export function isOurs(error: unknown, id: Uint8Array, claimToken: Uint8Array): error is Refusal {
  return (
    error instanceof Refusal && error.why === "already-opened" && sameBytes(error.claimant, claimantOf(id, claimToken))
  );
}

/** SHA-256 of an encrypted manifest. */
function digestOf(waiting: relay.Waiting): Uint8Array {
  return sha256(relay.bytesOf(waiting.manifest) ?? new Uint8Array());
}

function sameBytes(some: Uint8Array | null, others: Uint8Array): boolean {
  return some?.length === others.length && some.every((byte, index) => byte === others[index]);
}

async function decryptedManifest(keys: Keys, waiting: relay.Waiting): Promise<Manifest> {
  const encrypted = relay.bytesOf(waiting.manifest);
  try {
    return readManifest(await decrypted(encrypted!, keys.manifestIdentity), waiting.blob_len);
  } catch (error) {
    throw error instanceof TooNew ? error : new Refusal("damaged");
  }
}

/** Decrypts an age file in memory. Throws if it is none of this identity. */
export async function decrypted(file: Uint8Array, identity: string): Promise<Uint8Array> {
  if (!hasHeader(file)) throw new Error("not a header that the program reads");
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(file);
}

/**
 * Whether the header of an age file ends within `HEADER_LIMIT`, and has no stanza of a passphrase. age-encryption
 * ignores such a stanza beside others, but age forbids it, and the program refuses the file: an operator could not see
 * what the page has shown.
 */
function hasHeader(file: Uint8Array): boolean {
  const head = String.fromCharCode(...file.subarray(0, HEADER_LIMIT));
  const end = head.search(/\n--- [0-9A-Za-z+/]{43}\n/);
  return end >= 0 && !/\n-> scrypt[ \n]/.test(head.slice(0, end + 1));
}

/** The receipt, which the relay gets once every byte has arrived. */
export function receiptFor(keys: Keys, claimToken: Uint8Array): Uint8Array {
  return receiptOf(keys, claimantOf(keys.id, claimToken));
}

/** How the page follows a download. */
export interface Watch extends Pick<Line, "arrived" | "store"> {
  /** Called every second with the seconds until the next attempt, and with `null` when it starts. */
  readonly waits: (seconds: number | null) => void;
  /** Gets a function that starts the next attempt at once. */
  readonly again: (now: () => void) => void;
}

/**
 * Downloads and decrypts all files. The padding is downloaded too: stopping early would reveal the true size. Returns
 * one blob per file after the last byte was verified.
 */
export async function receive(keys: Keys, claimToken: Uint8Array, opened: Opened, watch: Watch): Promise<Blob[]> {
  const { claimed, manifest } = opened;
  const stop = new AbortController();
  const backoff = new Backoff(watch.waits, Infinity, stop.signal);
  watch.again(() => backoff.now());
  const { arrived, store } = watch;
  const holder = { id: keys.id, token: claimToken };
  const parts = fetched({ holder, claimed, backoff, arrived, store, stop: stop.signal });
  const decrypter = new Decrypter();
  decrypter.addIdentity(keys.blobIdentity);
  const files = new Files(manifest.entries);
  try {
    const plain = (await headed(decrypter.decrypt(ageFile(parts, manifest.ageLen)))).getReader();
    const rest = resting();
    for (;;) {
      const { done, value } = await decrypting(plain.read());
      if (done) break;
      files.take(value);
      await rest();
    }
    for await (const _ of parts);
    return files.whole();
  } finally {
    // Cancels downloads that are still running.
    stop.abort();
  }
}

/** Turns errors of the age header into `damaged`; errors of the relay and the network pass. */
async function headed<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Refusal || error instanceof relay.NotNow ? error : new Refusal("damaged");
  }
}

/** Turns the decrypter's errors, which are plain `Error`s, into `damaged`; other errors pass. */
async function decrypting<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const plain = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
    throw plain ? new Refusal("damaged") : error;
  }
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
          if (done || (first && !hasHeader(value))) throw new Refusal("damaged");
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

/** The plaintext of a share, divided into its files. More or fewer bytes than the manifest lists are damage. */
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

  /** Moves the bytes so far into a blob, which browsers may keep on disk. */
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
