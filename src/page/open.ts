// The steps of opening: look, claim, receive. A claim requires the digest of the manifest that was shown before. The
// viewer decides when a share is finished.

import { sha256 } from "@noble/hashes/sha2.js";
import { chunked, decrypted } from "./age.ts";
import { CHUNK, TAG } from "./chunks.ts";
import { Crew } from "./crew.ts";
import { fetched, type Line } from "./download.ts";
import { claimantOf, type Keys, receiptOf } from "./secret.ts";
import { type Entry, type Manifest, readManifest, TooNew } from "./manifest.ts";
import { resting } from "./rest.ts";
import { Backoff } from "./retry.ts";
import { Spare } from "./spare.ts";
import { type Claimed, PART_LEN, Refusal } from "./relay.ts";
import * as relay from "./relay.ts";

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

/** The receipt, which the relay gets once every byte has arrived. */
export function receiptFor(keys: Keys, claimToken: Uint8Array): Uint8Array {
  return receiptOf(keys, claimantOf(keys.id, claimToken));
}

/** A file that Chromium can remove. */
type Removable = FileSystemFileHandle & { remove?: () => Promise<void> };

/** How the page follows a download. */
export interface Watch extends Pick<Line, "arrived" | "store"> {
  /** Called every second with the seconds until the next attempt, and with `null` when it starts. */
  readonly waits: (seconds: number | null) => void;
  /** Gets a function that starts the next attempt at once. */
  readonly again: (now: () => void) => void;
}

/**
 * Downloads and decrypts all files. The padding is downloaded too: stopping early would reveal the true size. Returns
 * one blob per file after the last byte was verified; none with `disk`, a file to which the content is then written.
 */
export async function receive(
  keys: Keys,
  claimToken: Uint8Array,
  opened: Opened,
  watch: Watch,
  disk: FileSystemFileHandle | null,
): Promise<Blob[]> {
  const { claimed, manifest } = opened;
  const target = await disk?.createWritable();
  const stop = new AbortController();
  const backoff = new Backoff(watch.waits, Infinity, stop.signal);
  watch.again(() => backoff.now());
  const { arrived, store } = watch;
  const holder = { id: keys.id, token: claimToken };
  const isOne = claimed.parts.length === 1;
  const spare = new Spare(isOne ? claimed.blob_len : PART_LEN + CHUNK + TAG);
  const parts = fetched({ holder, claimed, backoff, arrived, store, spare, stop: stop.signal });
  const crew = new Crew(!isOne, stop.signal);
  const files = target === undefined ? new Files(manifest.entries) : new OnDisk(target, manifest.total);
  const work = async (fail: (error: unknown) => void) => {
    const rest = resting();
    const taking: Promise<void>[] = [];
    let taken = Promise.resolve();
    for await (const [part, chunks] of chunked(parts, manifest.ageLen, keys.blobIdentity, spare)) {
      taken = Promise.all([orDamaged(crew.decrypt(chunks)), taken]).then(async ([bytes]) => {
        await files.take(bytes);
        spare.give(bytes);
        void Promise.resolve(part.stored).then(() => spare.give(part.bytes));
      });
      // While the next part arrives, which may take forever.
      taken.catch(fail);
      taking.push(taken);
      // Its checksum has taken a while.
      await rest();
      if (taking.length >= crew.most) await taking.shift();
    }
    await taken;
    return files.whole();
  };
  try {
    return await new Promise<Blob[]>((resolve, reject) => void work(reject).then(resolve, reject));
  } catch (error) {
    stop.abort();
    await target?.abort().catch(() => {});
    // The dialog has made an empty one.
    const made = await disk?.getFile().catch(() => null);
    if (made?.size === 0) await (disk as Removable).remove?.().catch(() => {});
    throw error;
  } finally {
    // Cancels downloads that are still running, and ends the workers.
    stop.abort();
  }
}

/** Turns errors of decrypting, which are plain `Error`s, into `damaged`; other errors pass. */
async function orDamaged<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const plain = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
    throw plain ? new Refusal("damaged") : error;
  }
}

/** The plaintext of a share in blobs, one for each file. More or fewer bytes than the manifest lists are damage. */
class Files {
  readonly #entries: readonly Entry[];
  readonly #blobs: Blob[] = [];
  #pieces: Blob[] = [];
  #taken = 0;

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  take(bytes: Uint8Array<ArrayBuffer>): void {
    while (bytes.length > 0) {
      const entry = this.#entries[this.#blobs.length];
      if (entry === undefined) throw new Refusal("damaged");
      const part = bytes.subarray(0, entry.size - this.#taken);
      // A copy, which browsers may keep on disk.
      this.#pieces.push(new Blob([part]));
      this.#taken += part.length;
      bytes = bytes.subarray(part.length);
      if (this.#taken === entry.size) this.#close();
    }
  }

  #close(): void {
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

/** The plaintext of a share in a file on disk, which gets it when all of it was verified. */
class OnDisk {
  #taken = 0;

  constructor(
    private readonly target: FileSystemWritableFileStream,
    private readonly size: number,
  ) {}

  async take(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#taken += bytes.length;
    if (this.#taken > this.size) throw new Refusal("damaged");
    await this.target.write(bytes);
  }

  async whole(): Promise<Blob[]> {
    if (this.#taken !== this.size) throw new Refusal("damaged");
    await this.target.close();
    return [];
  }
}

/** The files of a share in the file that holds the content of all. */
export function divided(content: Blob, { entries }: Manifest): Blob[] {
  let at = 0;
  return entries.map(({ size }) => content.slice(at, (at += size)));
}
