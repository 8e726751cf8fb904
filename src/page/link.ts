// Links: the fragment of the page's address. The checksum of bech32m (BIP 350) finds damage before any request is made.

import { bech32m } from "@scure/base";
import { HIDDEN } from "./safe_text.ts";

const PREFIX = "share1";
/** Bytes of the secret. */
export const SECRET_LEN = 24;
/** Characters in a fragment: the prefix, 25 bytes in groups of five bits, six characters of checksum. */
const FRAGMENT_LEN = PREFIX.length + Math.ceil((8 * (1 + SECRET_LEN)) / 5) + 6;

export const NEEDS_PASSPHRASE = 0x01;
/** Served by the sender's own computer. */
export const DIRECT = 0x02;

/** The content of a link. */
export interface Link {
  /** The fragment in lower case: 52 characters. */
  readonly fragment: string;
  readonly flags: number;
  /** The byte of flags, then the secret. */
  readonly payload: Uint8Array;
}

/** The reason why a fragment is not a link. */
export type LinkError =
  | { readonly why: "no-key" | "exposed" | "not-a-link" | "damaged" | "too-new" }
  | { readonly why: "short" | "long"; readonly by: number };

/** Finds the link in a fragment, which mail programs may have encoded, broken, quoted or lengthened. */
export function readLink(fragment: string): Link | LinkError {
  const text = decoded(fragment)
    .replace(new RegExp(`\\s|${HIDDEN}`, "gu"), "")
    .replace(/^#/, "");
  if (text === "") return { why: "no-key" };
  const start = text.search(new RegExp(PREFIX, "i"));
  if (start < 0) return { why: "not-a-link" };
  const word = /^[0-9a-z]*/i.exec(text.slice(start))![0];
  if (word.length < FRAGMENT_LEN) return { why: "short", by: FRAGMENT_LEN - word.length };
  if (word.length > FRAGMENT_LEN) return { why: "long", by: word.length - FRAGMENT_LEN };
  let payload: Uint8Array;
  try {
    const { prefix, words } = bech32m.decode(word as `${string}1${string}`);
    payload = bech32m.fromWords(words);
    if (`${prefix}1` !== PREFIX || payload.length !== 1 + SECRET_LEN) return { why: "damaged" };
  } catch {
    return { why: "damaged" };
  }
  const flags = payload[0]!;
  if ((flags & ~(NEEDS_PASSPHRASE | DIRECT)) !== 0) return { why: "too-new" };
  return { fragment: word.toLowerCase(), flags, payload };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
