// The download of a share's parts: from the relay, or from what this browser stored of them before a reload.

import { crc32c } from "./crc32c.ts";
import { type Claimed, type Credential, PART_LEN, Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import type { Backoff } from "./retry.ts";
import type { Spare } from "./spare.ts";
import type { Store } from "./stored.ts";

/** Downloads of a part with a wrong checksum before the share counts as damaged. */
const FETCHES = 2;
/** The time between two writes of a part that is still arriving, in milliseconds. */
const KEEP_MS = 5000;

/** The inputs of a download of parts. */
export interface Line {
  readonly holder: Credential;
  readonly claimed: Claimed;
  readonly backoff: Backoff;
  /** Called with the number of bytes that arrived; a negative one for bytes that have to be downloaded again. */
  readonly arrived: (bytes: number) => void;
  readonly store: Store | null;
  readonly spare: Spare;
  readonly stop: AbortSignal;
}

/** A part with a right checksum. */
export interface Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Fulfilled once nobody stores its bytes any more. */
  readonly stored: Promise<void> | undefined;
}

/** Bytes of a part. */
const lengthOf = ({ blob_len }: Claimed, number: number) => Math.min(blob_len - number * PART_LEN, PART_LEN);

/** Bytes of a part that are stored, as far as their number shows. */
const storedOf = (store: Store | null, claimed: Claimed, number: number) =>
  Math.min(store?.lengths.get(number) ?? 0, lengthOf(claimed, number));

/** Bytes of a blob that are stored. They count as arrived before `fetched` begins. */
export function storedBytes(store: Store | null, claimed: Claimed): number {
  return claimed.parts.reduce((sum, _, number) => sum + storedOf(store, claimed, number), 0);
}

/** All parts in order, each with a right checksum. While one is used, the next is downloaded. */
export async function* fetched(line: Line): AsyncGenerator<Part> {
  const get = (number: number) => {
    const part = number < line.claimed.parts.length ? fetchPart(line, number) : null;
    // An error is thrown where the part is awaited; this prevents an unhandled rejection.
    part?.catch(() => {});
    return part;
  };
  let next = get(0);
  for (let number = 1; next !== null; number++) {
    const part: Part = await next;
    next = get(number);
    yield part;
  }
}

async function fetchPart(line: Line, number: number): Promise<Part> {
  const { claimed, arrived, store } = line;
  const length = lengthOf(claimed, number);
  const isWhole = (bytes: Uint8Array) => bytes.length === length && crc32c(bytes) === claimed.parts[number];
  if (claimed.part !== undefined && isWhole(claimed.part)) {
    arrived(length);
    return { bytes: claimed.part, stored: undefined };
  }
  const listed = storedOf(store, claimed, number);
  const here = listed > 0 ? await store!.read(number) : new Uint8Array();
  if (isWhole(here)) return { bytes: here, stored: undefined };
  // The checksum of a beginning is known when the rest is there.
  let begun = here.length < length ? here : new Uint8Array();
  arrived(begun.length - listed);
  for (let fetch = 0; fetch < FETCHES;) {
    const bytes = await download(line, number, begun);
    if (isWhole(bytes)) return { bytes, stored: store?.write(number, bytes) };
    arrived(-length);
    // The relay is not to blame for bytes that were stored here.
    if (begun.length === 0) fetch += 1;
    begun = new Uint8Array();
  }
  throw new Refusal("damaged");
}

/** Downloads what is missing of a part that begins with `begun`. */
async function download(line: Line, number: number, begun: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const part = line.spare.take(lengthOf(line.claimed, number));
  part.set(begun);
  let filled = begun.length;
  let kept = performance.now();
  const moved = (bytes: number) => {
    filled += bytes;
    line.backoff.progress();
    line.arrived(bytes);
    if (performance.now() - kept < KEEP_MS) return;
    kept = performance.now();
    void line.store?.write(number, part.subarray(0, filled));
  };
  const ask = () => relay.part(line.holder, number, filled, part.subarray(filled), moved, line.stop);
  await line.backoff.until(ask);
  return part;
}
