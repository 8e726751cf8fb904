// The relay that served this page, as PROTOCOL.md has it. Requests go nowhere else, and never carry the fragment.

import { base64urlnopad } from "@scure/base";

/** How a share can have ended. */
export type Ended = "already-opened" | "lapsed" | "expired" | "revoked" | "locked" | "aborted";

/** A final answer that is not the one that was hoped for. */
export class Refusal extends Error {
  constructor(
    readonly why: Ended | "unknown" | "wrong-passphrase" | "damaged" | "changed" | "not-a-relay",
    /** Unix seconds: when it ended. */
    readonly at = 0,
    /** The opener. */
    readonly claimant: Uint8Array | null = null,
    /** Wrong passphrases that are still borne. */
    readonly left = 0,
    /** Unix seconds: until then its opener may go on; 0 where the opening has ended, or the relay does not state it. */
    readonly until = 0,
  ) {
    super(why);
  }
}

/** No answer, or one that asks to try later. */
export class NotNow extends Error {
  /** Seconds to wait at least. */
  constructor(readonly after = 0) {
    super("not now");
  }
}

/** The facts that are known before a passphrase is given. */
export interface Notice {
  /** Unix seconds. */
  readonly expires: number;
  /** Bytes. */
  readonly blob_len: number;
}

/** The share that waits. */
export interface Waiting extends Notice {
  readonly manifest: string;
}

/** The share as its opener gets it. */
export interface Claimed extends Waiting {
  /** Unix seconds: the time of the claim. */
  readonly at: number;
  /** Unix seconds: until then the same opener may go on. */
  readonly until: number;
  /** The checksums of the parts. */
  readonly parts: readonly string[];
  /** The only part, where it is small. */
  part?: Uint8Array;
}

/** Bytes of a part, the last excepted. */
export const PART_LEN = 4 * 1024 * 1024;

/** A connection on which nothing moves for this long is given up. */
const IDLE_MS = 60_000;
/** The longest time that a short request and its answer may take. */
const SHORT_MS = 20_000;
/** The longest answer that is held in memory, in bytes: a claim with its part. */
const MAX_ANSWER = 1 << 20;

/** Bytes as they are written to a relay. */
export const textOf = (bytes: Uint8Array) => base64urlnopad.encode(bytes);

/** A share's id, and a token for it. */
export interface Credential {
  readonly id: Uint8Array;
  readonly token: Uint8Array;
}

interface Ask {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  readonly range?: number;
  /** The request outlives the page. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal;
}

async function ask(path: string, who: Credential, how: Ask = {}): Promise<Response> {
  const headers: Record<string, string> = { Authorization: `Bearer ${textOf(who.id)}.${textOf(who.token)}` };
  if (how.body !== undefined) headers["Content-Type"] = "application/json";
  if (how.range) headers.Range = `bytes=${how.range}-`;
  let response: Response;
  try {
    response = await fetch(new URL(path, new URL(".", location.href)), {
      method: how.method ?? "GET",
      headers,
      body: how.body === undefined ? null : JSON.stringify(how.body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      keepalive: how.keepalive ?? false,
      signal: how.signal ?? AbortSignal.timeout(SHORT_MS),
    });
  } catch {
    throw new NotNow();
  }
  if (response.ok) return response;
  throw await problem(response);
}

/** An error as the relay, or a proxy before it, reports it (RFC 9457). */
async function problem(response: Response): Promise<Error> {
  const body = await whole(response).catch(() => new Uint8Array());
  const fields = (json(body) ?? {}) as { type?: unknown; at?: unknown; left?: unknown; claimant?: unknown; until?: unknown };
  const word = /^urn:share:(.*)$/.exec(String(fields.type))?.[1];
  const number = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : 0);
  switch (word) {
    case "already-opened":
    case "lapsed":
    case "expired":
    case "revoked":
    case "locked":
    case "aborted": {
      const claimant = typeof fields.claimant === "string" ? bytesOf(fields.claimant) : null;
      return new Refusal(word, number(fields.at), claimant, 0, number(fields.until));
    }
    case "unknown":
      return new Refusal(word);
    case "wrong-passphrase":
      return new Refusal(word, 0, null, number(fields.left));
    case "busy":
    case "slow-down":
    case "no-space":
    case "timeout":
      return new NotNow(Number(response.headers.get("Retry-After")) || 0);
    default:
      // A proxy's own failure may pass; its refusal of the request itself would only be repeated.
      return [408, 429].includes(response.status) || response.status >= 500 ? new NotNow() : new Refusal("not-a-relay");
  }
}

/** Reads base64url; nothing where it is none. */
export function bytesOf(encoded: string): Uint8Array | null {
  try {
    return base64urlnopad.decode(encoded);
  } catch {
    return null;
  }
}

/** Whether a share waits. All that is asked before a passphrase is known. */
export async function notice(link: Credential): Promise<Notice> {
  return answer(await ask("v1/link", link));
}

/** The manifest of the share that waits. Consumes nothing. */
export async function manifest(link: Credential, proof: Uint8Array): Promise<Waiting> {
  return answer(await ask("v1/manifest", link, { method: "POST", body: { proof: textOf(proof) } }));
}

/** The one opening. May be repeated with the same claim token. */
export async function claim(link: Credential, proof: Uint8Array, claimToken: Uint8Array): Promise<Claimed> {
  const body = { proof: textOf(proof), claim_token: textOf(claimToken) };
  const response = await ask("v1/claim", link, { method: "POST", body });
  if (!response.headers.get("Content-Type")?.startsWith("application/octet-stream")) return answer(response);
  // The JSON's length, the JSON, and the only part behind it.
  const bytes = await whole(response);
  if (bytes.length < 4) throw new Refusal("not-a-relay");
  const end = 4 + new DataView(bytes.buffer).getUint32(0);
  return { ...parsed<Claimed>(bytes.subarray(4, end)), part: bytes.subarray(end) };
}

async function answer<T>(response: Response): Promise<T> {
  return parsed(await whole(response));
}

/** All of a short answer; one that is too long to be a relay's is none. */
async function whole(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const read = await reader?.read().catch((): never => {
      throw new NotNow();
    });
    if (read?.value === undefined) break;
    chunks.push(read.value);
    length += read.value.length;
    if (length > MAX_ANSWER) {
      void reader?.cancel().catch(() => {});
      throw new Refusal("not-a-relay");
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function parsed<T>(bytes: Uint8Array): T {
  const read = json(bytes) as (T & { v: number; blob_len: number; expires: number; at?: number; until?: number; parts?: unknown }) | null;
  const isLength = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const parts = read?.parts ?? [];
  const sound = read?.v === 1 && isLength(read.blob_len) && isLength(read.expires) && Array.isArray(parts);
  if (!sound || !parts.every((crc) => typeof crc === "string")) throw new Refusal("not-a-relay");
  return read;
}

/** Fetches what `rest` is the room for: the end of a part, from `offset` on. `moved` hears of all bytes that are there. */
export async function part(
  holder: Credential,
  number: number,
  offset: number,
  rest: Uint8Array,
  moved: (bytes: number) => void,
  stop: AbortSignal,
): Promise<void> {
  const idle = new AbortController();
  const giveUp = () => idle.abort();
  let timer = setTimeout(giveUp, IDLE_MS);
  stop.addEventListener("abort", giveUp);
  try {
    const response = await ask(`v1/part/${number}`, holder, { range: offset, signal: idle.signal });
    // Something on the way that answers in the relay's place, and something that knows no ranges.
    if (!response.headers.get("Content-Type")?.startsWith("application/octet-stream")) throw new NotNow();
    let skip = response.status === 206 ? 0 : offset;
    const reader = response.body!.getReader();
    while (rest.length > 0) {
      const { value } = await reader.read().catch(() => ({ value: undefined }));
      if (value === undefined) throw new NotNow();
      clearTimeout(timer);
      timer = setTimeout(giveUp, IDLE_MS);
      const skipped = Math.min(skip, value.length);
      skip -= skipped;
      // Bytes too many are cut off: the checksum of the part decides.
      const bytes = value.subarray(skipped, skipped + rest.length);
      rest.set(bytes);
      rest = rest.subarray(bytes.length);
      moved(bytes.length);
    }
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", giveUp);
    giveUp();
  }
}

/** The content is safe here: the relay deletes it. The request outlives the page. */
export async function finish(holder: Credential, receipt: Uint8Array): Promise<void> {
  await ask("v1/finish", holder, { method: "POST", body: { receipt: textOf(receipt) }, keepalive: true });
}
