// The upload of one share: create, parts, commit; or all in one request if it fits into one part.

import { type Credential, PART_LEN, textOf } from "../relay.ts";
import type { Backoff } from "../retry.ts";
import { Blobs, sealed } from "./blob.ts";
import { type Fresh, publicKeyOf, verifiersOf } from "./keys.ts";
import { Garbled, Refused } from "./refused.ts";
import type { Commit, Create, Way } from "./requests.ts";
import * as requests from "./requests.ts";

/** Parts on their way at once: over a distant line all of them are. */
const AT_ONCE = 3;
/** The longest encrypted manifest that is deposited, in bytes. */
const MAX_DEPOSIT_MANIFEST = 73_728;
/** Attempts in a row whose bytes arrive changed before the line counts as broken. */
const GARBLED = 5;

/** The content of a share and its properties. */
export interface Plan {
  readonly contents: readonly Blob[];
  readonly manifest: Uint8Array;
  /** Bytes. */
  readonly blobLen: number;
  /** Seconds. */
  readonly ttl: number;
  readonly createToken: string | null;
}

/** The way of a share to the relay. */
export interface Line {
  readonly backoff: Backoff;
  readonly stop: AbortSignal;
  /** Called with the bytes of the blob that have arrived or are on their way. */
  readonly moved: (bytes: number) => void;
  /** Called before the relay may have heard of the share, and before it may have committed it. */
  readonly asks: (toCommit: boolean) => void;
}

/** Uploads a share and commits it. Returns when it expires, in Unix seconds. */
export async function upload(share: Fresh, plan: Plan, line: Line): Promise<number> {
  const { keys, link, ownerToken } = share;
  const { contents, blobLen, ttl, createToken } = plan;
  const who = { id: keys.id, token: ownerToken };
  const wayOf = ways();
  const manifest = await sealed(await publicKeyOf(keys.manifestIdentity), plan.manifest);
  const blob = await Blobs.begin(await publicKeyOf(keys.blobIdentity), contents);
  const [v, flags, verifiers] = [1 as const, link.flags, verifiersOf(share)];
  const token = createToken === null ? {} : { create_token: createToken };
  const create: Create = { v, flags, ttl, verifiers, max_len: blobLen, ...token };
  const commit = (parts: readonly string[]): Commit => ({ v, blob_len: blobLen, parts, manifest: textOf(manifest) });
  if (blobLen <= PART_LEN && manifest.length <= MAX_DEPOSIT_MANIFEST) {
    const { crc, content } = (await unless(line.stop, blob.next()))!;
    const body = requests.depositOf(create, commit([crc]), content);
    const way = wayOf(line.stop, (sent) => line.moved(Math.min(sent, blobLen)));
    line.asks(true);
    return insisting(line, () => requests.deposit(who, body, way));
  }
  line.asks(false);
  await line.backoff.until(() => requests.create(who, create, wayOf(line.stop)));
  const body = commit(await parts(who, blob, blobLen, line, wayOf));
  line.asks(true);
  return line.backoff.until(() => requests.commit(who, body, wayOf(line.stop)));
}

/** Waits for `work`, unless the signal comes first: reading a file, which may lie in a network, cannot be ended. */
export function unless<T>(stop: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => reject(stop.reason as Error);
    stop.addEventListener("abort", end);
    if (stop.aborted) end();
    work.then(resolve, reject).finally(() => stop.removeEventListener("abort", end));
  });
}

/** The ways of the bodies of one upload. */
const ways = (silences = { count: 0 }) => (stop: AbortSignal, moved: Way["moved"] = () => {}): Way => ({
  ...{ stop, moved, silences },
});

/** Repeats a request with a body until it succeeds, unless its bytes arrive changed again and again. */
function insisting<T>({ backoff }: Line, request: () => Promise<T>): Promise<T> {
  let garbled = 0;
  return backoff.until(() =>
    request().catch((error: unknown) => {
      garbled = error instanceof Garbled ? garbled + 1 : 0;
      throw garbled === GARBLED ? new Refused("garbled") : error;
    }),
  );
}

/** Uploads all parts, several at a time. Returns their checksums. */
async function parts(
  who: Credential,
  blob: Blobs,
  blobLen: number,
  line: Line,
  wayOf: ReturnType<typeof ways>,
): Promise<string[]> {
  const crcs: string[] = [];
  // Ends the other parts when one has failed for good.
  const failed = new AbortController();
  const fail = () => {
    failed.abort();
    // Ends their pauses too.
    line.backoff.now();
  };
  line.stop.addEventListener("abort", fail);
  if (line.stop.aborted) fail();
  /** Bytes of each part that have arrived or are on their way. */
  const moving: number[] = [];
  const put = async () => {
    for (let part; (part = await unless(failed.signal, blob.next())) !== null; ) {
      const { number, crc, length, content } = part;
      crcs[number] = crc;
      const moved = (sent: number) => {
        moving[number] = sent;
        line.moved(moving.reduce((sum, each) => sum + each, 0));
      };
      const way = wayOf(failed.signal, moved);
      await insisting(line, async () => {
        failed.signal.throwIfAborted();
        return requests.part(who, number, crc, content, way);
      });
      moved(length);
    }
  };
  try {
    const count = Math.min(AT_ONCE, Math.ceil(blobLen / PART_LEN));
    await Promise.all(
      Array.from({ length: count }, () =>
        put().catch((error: unknown) => {
          fail();
          throw error;
        }),
      ),
    );
    return crcs;
  } finally {
    line.stop.removeEventListener("abort", fail);
  }
}
