// A sender's requests to the relay that served this page (PROTOCOL.md). Each may be repeated with the same bytes.

import type { Ask, Content, Credential, Members } from "../relay.ts";
import { ask, json, NotNow, Refusal, whole } from "../relay.ts";
import { CAN_CARRY, type Carry, carrying } from "./carry.ts";
import { Garbled, Refused } from "./refused.ts";

/** The longest wait that a relay may ask for before the page shows when to come back, in seconds. */
const PATIENCE_S = 600;
/** The longest time without a byte before a request is repeated, in milliseconds. */
const IDLE_MS = 60_000;
/** The time for which a system may hold the end of a body that the browser has handed to it, in milliseconds. */
const HELD_MS = 128_000;
/** The lowest rate at which a body counts as moving while nothing reports it, in bytes in a millisecond. */
const LOWEST_RATE = 4;

/** The body of `create`. */
export interface Create {
  readonly v: 1;
  readonly flags: number;
  readonly ttl: number;
  readonly verifiers: { readonly link: string; readonly open: string; readonly own: string };
  readonly max_len: number;
  readonly create_token?: string;
}

/** The body of `commit`. */
export interface Commit {
  readonly v: 1;
  readonly blob_len: number;
  readonly parts: readonly string[];
  readonly manifest: string;
}

/** The way of a body to the relay. */
export interface Way {
  readonly stop: AbortSignal;
  /** Called with the bytes of this body that are on their way: 0 when a request starts again. */
  readonly moved: (bytes: number) => void;
  /** Requests of this upload that ended in silence, for longer waits: the line may be slow, the system hold much. */
  readonly silences: { count: number };
}

/** A number of bytes or seconds; `null`: none. */
function natural(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

/** The problems of a sender. */
const explain = (word: string | undefined, { max, limit, until }: Members, response: Response): Error | null => {
  const details = { max: natural(max) };
  switch (word) {
    case "not-allowed":
      return new Refused(word);
    case "too-large":
    case "too-long-lived":
    case "no-space":
      return new Refused(word, details);
    case "quota":
      return new Refused(word, {
        ...details,
        limit: limit === "bytes" || limit === "shares" ? limit : null,
        until: natural(until),
      });
    case "slow-down": {
      const after = Number(response.headers.get("Retry-After")) || 0;
      return after > PATIENCE_S ? new Refused(word, { until: Math.floor(Date.now() / 1000) + after }) : null;
    }
    case "bad-checksum":
      return new Garbled();
    // Another upload has this id, or what the relay has of this one is not what was sent: it cannot go on.
    case "id-taken":
    case "sealed":
    case "part-differs":
    case "parts-missing":
      return new Refusal("aborted");
    default:
      // A proxy accepts no bodies of this length.
      return response.status === 413 ? new Refused("too-large", { max: null }) : null;
  }
};

/** A relay without the token of this header finds that the owner's verifier does not fit. */
const explainFirst: typeof explain = (word, members, response) =>
  word === "bad-request" ? new Refusal("unknown") : explain(word, members, response);

/** Turns the answer of a relay that knows no such request into `not-a-relay`. */
async function first<T>(request: Promise<T>): Promise<T> {
  return request.catch((error: unknown) => {
    throw error instanceof Refusal && error.why === "unknown" ? new Refusal("not-a-relay") : error;
  });
}

/** The JSON of an answer. A proxy, or the login of a network, may answer in the relay's place. */
async function members(response: Response, status: number, isSound: (read: Members) => boolean): Promise<Members> {
  const read = json(await whole(response)) as Members | null;
  if (response.status === status && read !== null && typeof read === "object" && isSound(read)) return read;
  throw isSecureContext ? new Refusal("fronted") : new NotNow();
}

const isFirst = ({ v }: Members) => v === 1;
const isCommitted = ({ v, expires }: Members) => v === 1 && natural(expires) !== null;
const committed = async (response: Response) => (await members(response, 201, isCommitted)).expires as number;

/** Announces a share. */
export async function create(who: Credential, body: Create, way: Way): Promise<void> {
  await first(upload("v1/create", who, jsonOf(body, explainFirst), way, (response) => members(response, 201, isFirst)));
}

/** Uploads a part. */
export async function part(who: Credential, number: number, crc: string, content: Content, way: Way): Promise<void> {
  const how = { method: "PUT", content, headers: { "Share-Crc32c": crc }, explain } as const;
  await upload(`v1/part/${number}`, who, how, way, async (response) => {
    if (response.status !== 204) await members(response, 204, () => false);
  });
}

/** Commits a share. Returns when it expires, in Unix seconds. */
export async function commit(who: Credential, body: Commit, way: Way): Promise<number> {
  return upload("v1/commit", who, jsonOf(body, explain), way, committed);
}

/** Creates, uploads and commits a share of one part. Returns when it expires, in Unix seconds. */
export async function deposit(who: Credential, content: Blob, way: Way): Promise<number> {
  return first(upload("v1/deposit", who, { method: "POST", content, explain: explainFirst }, way, committed));
}

/** The body of a deposit. */
export function depositOf(create: Create, commit: Commit, part: Content): Blob {
  const text = new Blob([JSON.stringify({ v: 1, create, commit })]);
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, text.size);
  return new Blob([length, text, part]);
}

/** A request with a body. */
type Upload = Ask & { readonly content: Content };

function jsonOf(body: object, explained: typeof explain): Upload {
  const content = new Blob([JSON.stringify(body)]);
  return { method: "POST", content, headers: { "Content-Type": "application/json" }, explain: explained };
}

/** Sends a body, which may be long. Only a silence ends the request. */
async function upload<T>(
  path: string,
  who: Credential,
  how: Upload,
  way: Way,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const size = how.content instanceof Blob ? how.content.size : how.content.length;
  const silence = new AbortController();
  const giveUp = () => silence.abort();
  let isSilent = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listen = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isSilent = true;
      giveUp();
    }, milliseconds * (1 + way.silences.count));
  };
  const moved = (bytes: number) => {
    way.moved(Math.min(bytes, size));
    listen(bytes < size ? IDLE_MS : IDLE_MS + HELD_MS);
  };
  // Without reports of progress, the whole body has to arrive in time.
  listen(IDLE_MS + size / LOWEST_RATE);
  way.stop.addEventListener("abort", giveUp);
  if (way.stop.aborted) giveUp();
  way.moved(0);
  try {
    const reporting = carrying(moved);
    const carry: Carry = (url, request) => {
      listen(IDLE_MS);
      return reporting(url, request);
    };
    const answer = await read(await ask(path, who, { ...how, ...(CAN_CARRY && { carry }), signal: silence.signal }));
    way.silences.count = 0;
    return answer;
  } catch (error) {
    way.silences.count += Number(isSilent);
    way.moved(0);
    throw error;
  } finally {
    clearTimeout(timer);
    way.stop.removeEventListener("abort", giveUp);
  }
}

/** The state of a share as its relay describes it. */
export interface Status {
  readonly state: string;
  readonly expires: number | null;
  readonly claimed: number | null;
  readonly until: number | null;
  readonly ended: number | null;
  readonly claimant: string | null;
  readonly receipt: string | null;
  readonly guesses: number;
}

/** Asks for the state of a share; `null`: it is still `known`, after a wait of so many seconds. */
export async function status(
  owner: Credential,
  known: string | null,
  seconds: number,
  signal: AbortSignal,
): Promise<Status | null> {
  const headers: Record<string, string> =
    known === null ? {} : { "If-None-Match": `"${known}"`, Prefer: `wait=${seconds}` };
  const response = await ask("v1/owner", owner, { headers, signal, explain });
  if (response.status === 304 && known !== null) return null;
  if (response.status === 304) throw new NotNow();
  const isState = ({ v, state }: Members) => v === 1 && typeof state === "string";
  const read = await members(response, 200, isState);
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    state: read.state as string,
    expires: natural(read.expires),
    claimed: natural(read.claimed),
    until: natural(read.until),
    ended: natural(read.ended),
    claimant: text(read.claimant),
    receipt: text(read.receipt),
    guesses: natural(read.guesses) ?? 0,
  };
}

/** Revokes a share, in whatever state it is. Returns the state before; `null`: the relay has no such share. */
export async function revoke(owner: Credential, how: Pick<Ask, "keepalive" | "signal"> = {}): Promise<string | null> {
  try {
    const response = await ask("v1/owner", owner, { ...how, method: "DELETE", explain });
    return (await members(response, 200, ({ was }) => typeof was === "string")).was as string;
  } catch (error) {
    if (error instanceof Refusal && error.why === "unknown") return null;
    throw error;
  }
}

/** The rest of a create token's limits; `null`: it has no such limit. */
export interface Allowance {
  readonly shares: number | null;
  readonly sharesADay: number | null;
  readonly bytes: number | null;
  readonly bytesADay: number | null;
  /** The longest blob, in bytes. */
  readonly maxSize: number | null;
  /** Unix seconds: the midnight at which the day ends. */
  readonly resets: number | null;
  /** Unix seconds: the end of the token. */
  readonly until: number | null;
}

/** Asks what is left of a create token's limits. */
export async function allowance(create_token: string): Promise<Allowance> {
  const response = await ask("v1/allowance", null, { method: "POST", body: { v: 1, create_token }, explain });
  const isLeft = ({ v, left }: Members) => v === 1 && left !== null && typeof left === "object";
  const left = (await members(response, 200, isLeft)).left as Members;
  return {
    shares: natural(left.shares),
    sharesADay: natural(left.shares_a_day),
    bytes: natural(left.bytes),
    bytesADay: natural(left.bytes_a_day),
    maxSize: natural(left.max_size),
    resets: natural(left.resets),
    until: natural(left.until),
  };
}

/** The relay's rules and its address. */
export interface About {
  /** The rule of admission: everybody may create shares, or holders of a token. */
  readonly create: "open" | "token";
  /** The longest blob, in bytes. */
  readonly maxBytes: number;
  /** The longest life of a share, in seconds. */
  readonly maxTtl: number;
  /** The operator, for people. */
  readonly contact: string | null;
  /** The address before the `#` of its links. */
  readonly address: string;
}

/** Asks what the relay is. */
export async function about(signal?: AbortSignal): Promise<About> {
  const isRelay = ({ v, create, ...limits }: Members) =>
    v === 1 &&
    (create === "open" || create === "token") &&
    [limits.max_bytes, limits.max_ttl].every((limit) => natural(limit) !== null);
  const read = await members(await ask(".well-known/share", null, signal ? { signal } : {}), 200, isRelay);
  const address = typeof read.public_url === "string" ? read.public_url : new URL(".", location.href).href;
  return {
    create: read.create as About["create"],
    maxBytes: read.max_bytes as number,
    maxTtl: read.max_ttl as number,
    contact: typeof read.contact === "string" ? read.contact : null,
    address: `${address.replace(/\/+$/, "")}/`,
  };
}
