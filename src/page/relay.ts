// Requests to the relay that served this page (PROTOCOL.md). No other host is contacted, and no request has the
// fragment.

import { base64urlnopad } from "@scure/base";

/** How a share can have ended. */
export type Ended = "already-opened" | "lapsed" | "expired" | "revoked" | "locked" | "aborted";

/** Why a request failed for good otherwise. "fronted": something in front of the relay requires a login. */
type Refused = "unknown" | "wrong-passphrase" | "too-late" | "damaged" | "changed" | "not-a-relay" | "fronted";

/** A final refusal, or an answer that cannot be used. */
export class Refusal extends Error {
  constructor(
    readonly why: Ended | Refused,
    /** Unix seconds: when the share ended. */
    readonly at = 0,
    /** The opener. */
    readonly claimant: Uint8Array | null = null,
    /** Wrong passphrases that are left before the share is locked. */
    readonly left = 0,
    /** Unix seconds: end of the opener's lease; 0: the opening has ended, or the relay sent none. */
    readonly until = 0,
  ) {
    super(why);
  }
}

/** No answer, or an answer that asks to try again later. */
export class NotNow extends Error {
  /** `after`: the shortest wait, in seconds. `isFull`: the relay has no room. */
  constructor(
    readonly after = 0,
    readonly isFull = false,
  ) {
    super("not now");
  }
}

/** A waiting share, as the relay describes it before a passphrase is entered. */
export interface Notice {
  /** Unix seconds. */
  readonly expires: number;
  /** Bytes. */
  readonly blob_len: number;
}

/** A waiting share. */
export interface Waiting extends Notice {
  readonly manifest: string;
}

/** A claimed share. */
export interface Claimed extends Waiting {
  /** Unix seconds: the time of the claim. */
  readonly at: number;
  /** Unix seconds: end of the lease, until which the same opener may resume. */
  readonly until: number;
  /** The checksums of the parts (CRC-32C, hexadecimal). */
  readonly parts: readonly string[];
  /** The operator of the relay, if it keeps this share for an hour after its end, so that it can be reported. */
  readonly report?: { readonly recipient?: unknown; readonly contact?: unknown };
  /** The content of the only part, if it came with the claim. */
  part?: Uint8Array<ArrayBuffer>;
}

/** Bytes of each part but the last. */
export const PART_LEN = 4 * 1024 * 1024;

/** Bytes of a body that are read at once. */
const PIECE = 1024 * 1024;

/** The longest time without a byte before a download is retried. */
const IDLE_MS = 60_000;
/** The longest time for a short request and the first bytes of its answer, and between bytes of that. */
const SHORT_MS = 20_000;
/** The longest answer that is read at once, in bytes: more than that of a claim with its manifest and its part. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** Bytes in base64url, as the protocol writes them. */
export const textOf = (bytes: Uint8Array) => base64urlnopad.encode(bytes);

/** A share's id, and a token for it. */
export interface Credential {
  readonly id: Uint8Array;
  readonly token: Uint8Array;
}

/** A body that is sent as it is. */
export type Content = Blob | Uint8Array<ArrayBuffer>;

export interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly range?: number;
  /** Whether the request continues after the page was left. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent in place of `body`. */
  readonly content?: Content;
  /** Takes the request in place of `fetch`, which reports no progress of what it sends. */
  readonly carry?: (url: URL, request: RequestInit) => Promise<Response>;
  /** The error for a problem that no opening meets; `null` for others. */
  readonly explain?: (word: string | undefined, members: Members, response: Response) => Error | null;
}

/** The members of a problem, before they are checked. */
export type Members = Readonly<Record<string, unknown>>;

/** Whether something in front of the relay, or an older node of it, takes only `Authorization`; null: not known yet. */
let isOld: boolean | null = null;

/** Sends a request, with the header that the relay and what is in front of it take. */
export async function ask(path: string, who: Credential | null, how: Ask = {}): Promise<Response> {
  try {
    return await send(path, who, how, !!isOld);
  } catch (error) {
    if (isOld !== null || who === null || !(error instanceof Refusal) || error.why !== "unknown") throw error;
    const response = await send(path, who, how, true).catch((second: unknown) => {
      const isLogin = second instanceof Refusal && ["fronted", "not-a-relay"].includes(second.why);
      // A login takes the second request for a failed attempt.
      if (isLogin) isOld = false;
      throw second instanceof Refusal && !isLogin ? second : error;
    });
    isOld = true;
    return response;
  }
}

/**
 * Sends a request. `Authorization` is left to the login of a proxy in front of the relay, for which the browser adds a
 * password, cookies and a certificate. To a request with both, a browser may ask for a password before it answers.
 */
async function send(path: string, who: Credential | null, how: Ask, asOld: boolean): Promise<Response> {
  const headers: Record<string, string> = { ...how.headers };
  const name = asOld ? "Authorization" : "Share-Authorization";
  if (who !== null) headers[name] = `Bearer ${textOf(who.id)}.${textOf(who.token)}`;
  if (how.body !== undefined) headers["Content-Type"] = "application/json";
  if (how.range) headers.Range = `bytes=${how.range}-`;
  let response: Response;
  try {
    // Only `fetch` leaves the browser's credentials out.
    response = await ((!asOld && how.carry) || fetch)(new URL(path, new URL(".", location.href)), {
      method: how.method ?? "GET",
      headers,
      body: how.body === undefined ? (how.content ?? null) : JSON.stringify(how.body),
      cache: "no-store",
      credentials: asOld ? "omit" : "same-origin",
      redirect: "manual",
      referrerPolicy: "no-referrer",
      keepalive: how.keepalive ?? false,
      signal: how.signal ?? AbortSignal.timeout(SHORT_MS),
    });
  } catch {
    throw new NotNow();
  }
  // 304 answers `If-None-Match` alone.
  if (response.ok || response.status === 304) return response;
  throw await problem(response, how);
}

/** The error in an answer of the relay (RFC 9457), or of a proxy. */
async function problem(response: Response, { explain }: Ask): Promise<Error> {
  const body = await whole(response).catch(() => new Uint8Array());
  const fields = (json(body) ?? {}) as Members;
  const word = /^urn:share:(.*)$/.exec(String(fields.type))?.[1];
  const known = explain?.(word, fields, response);
  if (known) return known;
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
    case "too-late":
      return new Refusal(word);
    case "wrong-passphrase":
      return new Refusal(word, 0, null, number(fields.left));
    case "busy":
    case "slow-down":
    case "no-space":
    case "timeout":
      return new NotNow(Number(response.headers.get("Retry-After")) || 0, word === "no-space");
    default:
      // A login: a password, or a redirect, whose status is hidden. Over plain http a network may redirect until its
      // own login, and the request is repeated.
      if (response.status === 401) return new Refusal("fronted");
      if (response.status === 0) return isSecureContext ? new Refusal("fronted") : new NotNow();
      // A failure of a proxy may pass; a refusal would be repeated.
      return [408, 429].includes(response.status) || response.status >= 500 ? new NotNow() : new Refusal("not-a-relay");
  }
}

/** Reads base64url; `null` if it is invalid. */
export function bytesOf(encoded: string): Uint8Array | null {
  try {
    return base64urlnopad.decode(encoded);
  } catch {
    return null;
  }
}

/** A relay's description of itself, as far as the page needs it. */
export interface About {
  /** The rule of admission: everybody may create shares, or holders of a token. */
  readonly create: "open" | "token";
  /** The relay's address for links, where its operator has set one. */
  readonly public_url: string | null;
  /** Whether the relay has a page that sends. */
  readonly send: boolean;
}

/** Asks what the relay is. */
export async function about(): Promise<About> {
  const found = (json(await whole(await ask(".well-known/share", null))) ?? {}) as Partial<About>;
  const { create, public_url, send } = found;
  return {
    create: create === "open" ? "open" : "token",
    public_url: typeof public_url === "string" ? public_url : null,
    send: send === true,
  };
}

/** Asks whether the share waits. Needs no passphrase and consumes nothing. */
export async function notice(link: Credential): Promise<Notice> {
  return parsed((await answer("v1/link", link)).bytes);
}

/** Downloads the encrypted manifest. Consumes nothing. */
export async function manifest(link: Credential, proof: Uint8Array): Promise<Waiting> {
  return parsed((await answer("v1/manifest", link, { proof: textOf(proof) })).bytes);
}

/** Claims the share. May be repeated with the same claim token. */
export async function claim(link: Credential, proof: Uint8Array, claimToken: Uint8Array): Promise<Claimed> {
  const body = { proof: textOf(proof), claim_token: textOf(claimToken) };
  const { type, bytes } = await answer("v1/claim", link, body);
  if (!type.startsWith("application/octet-stream")) return parsed(bytes);
  // The JSON's length, the JSON, then the only part.
  if (bytes.length < 4) throw new Refusal("not-a-relay");
  const end = 4 + new DataView(bytes.buffer).getUint32(0);
  return { ...parsed<Claimed>(bytes.subarray(4, end)), part: bytes.subarray(end) };
}

/** The whole answer to a request. It may take long on a slow line: only a silence ends it. */
async function answer(
  path: string,
  who: Credential,
  body?: unknown,
): Promise<{ type: string; bytes: Uint8Array<ArrayBuffer> }> {
  const silence = new AbortController();
  const begin = () => setTimeout(() => silence.abort(), SHORT_MS);
  let timer = begin();
  try {
    const method = body === undefined ? "GET" : "POST";
    const response = await ask(path, who, { method, body, signal: silence.signal });
    const bytes = await whole(response, () => {
      clearTimeout(timer);
      timer = begin();
    });
    return { type: response.headers.get("Content-Type") ?? "", bytes };
  } finally {
    clearTimeout(timer);
  }
}

/** The whole body of a short answer. Throws if it is longer than `MAX_ANSWER`. `moved` is called as bytes arrive. */
export async function whole(response: Response, moved = () => {}): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const read = await reader?.read().catch((): never => {
      throw new NotNow();
    });
    if (read?.value === undefined) break;
    moved();
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

/** Reads JSON; `null` if it is invalid. */
export function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

function parsed<T>(bytes: Uint8Array): T {
  const read = json(bytes) as
    (T & { v: number; blob_len: number; expires: number; at?: number; until?: number; parts?: unknown }) | null;
  const isLength = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const parts = read?.parts ?? [];
  const sound = read?.v === 1 && isLength(read.blob_len) && isLength(read.expires) && Array.isArray(parts);
  if (!sound || !parts.every((crc) => typeof crc === "string")) throw new Refusal("not-a-relay");
  return read;
}

/** Downloads a part from `offset` to its end into `rest`. `moved` is called with the number of bytes that arrived. */
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
    // A proxy may answer in the relay's place, or ignore the range.
    if (!response.headers.get("Content-Type")?.startsWith("application/octet-stream")) throw new NotNow();
    let skip = response.status === 206 ? 0 : offset;
    const read = reading(response.body!);
    while (rest.length > 0) {
      const { value } = await read().catch(() => ({ value: undefined }));
      if (!value?.length) throw new NotNow();
      clearTimeout(timer);
      timer = setTimeout(giveUp, IDLE_MS);
      const skipped = Math.min(skip, value.length);
      skip -= skipped;
      // Surplus bytes are dropped: the checksum decides.
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

/** A function that reads a body piece by piece, where the browser can into the memory of the piece before. */
function reading(body: ReadableStream<Uint8Array<ArrayBuffer>>): () => Promise<{ value?: Uint8Array | undefined }> {
  let memory = new ArrayBuffer(PIECE);
  try {
    const reader = body.getReader({ mode: "byob" });
    return async () => {
      const piece = await reader.read(new Uint8Array(memory));
      memory = piece.value?.buffer ?? memory;
      return piece;
    };
  } catch {
    const reader = body.getReader();
    return () => reader.read();
  }
}

/** Finishes the share, which ends it. The request continues after the page was left. */
export async function finish(holder: Credential, receipt: Uint8Array): Promise<void> {
  await ask("v1/finish", holder, { method: "POST", body: { receipt: textOf(receipt) }, keepalive: true });
}

/** Reports the share: two files that only the operator can read. Returns whether this is the first report. */
export async function report(holder: Credential, keys: Uint8Array, note: Uint8Array | null): Promise<boolean> {
  const body = { v: 1, keys: textOf(keys), ...(note && { note: textOf(note) }) };
  const response = await ask("v1/report", holder, { method: "POST", body });
  // A network that asks to log in may answer in the relay's place.
  const answer = json(await whole(response)) as { v?: unknown } | null;
  if (answer?.v !== 1) throw new NotNow();
  return response.status === 201;
}
