// The keys that a link and its passphrase give (PROTOCOL.md). tests/it/vectors.json has known answers for the program
// and for this file.

import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import { type Link, NEEDS_PASSPHRASE } from "./link.ts";

/** The secrets that need no passphrase: enough to ask whether the share waits. */
export interface Root {
  readonly id: Uint8Array;
  readonly linkToken: Uint8Array;
}

/** The keys of a share. */
export interface Keys extends Root {
  readonly openToken: Uint8Array;
  readonly receiptKey: Uint8Array;
  /** An age identity, `AGE-SECRET-KEY-1…`. */
  readonly manifestIdentity: string;
  /** An age identity, `AGE-SECRET-KEY-1…`. */
  readonly blobIdentity: string;
}

const derive = (key: Uint8Array, what: string, length: number) =>
  expand(sha256, key, utf8ToBytes(`share.v1 ${what}`), length);

const first = (link: Link) => extract(sha256, link.payload, utf8ToBytes("share.v1"));

/** Derives the secrets that need no passphrase. */
export function rootOf(link: Link): Root {
  const key = first(link);
  return { id: derive(key, "id", 16), linkToken: derive(key, "link", 32) };
}

/** Stretches a passphrase, which takes about a second and 128 MiB. Without one: 32 zero bytes. */
export async function stretch(link: Link, passphrase: string): Promise<Uint8Array> {
  if ((link.flags & NEEDS_PASSPHRASE) === 0) return new Uint8Array(32);
  const salt = derive(first(link), "passphrase salt", 16);
  const options = { N: 2 ** 17, r: 8, p: 1, dkLen: 32, asyncTick: 20, maxmem: 2 ** 28 };
  return scryptAsync(passphrase.normalize("NFC"), salt, options);
}

/** Derives the keys from a link and its stretched passphrase. */
export function keysOf(link: Link, stretched: Uint8Array): Keys {
  const key = extract(sha256, stretched, derive(first(link), "mix", 32));
  return {
    ...rootOf(link),
    openToken: derive(key, "open", 32),
    receiptKey: derive(key, "receipt", 32),
    manifestIdentity: identity(derive(key, "manifest identity", 32)),
    blobIdentity: identity(derive(key, "blob identity", 32)),
  };
}

function identity(secret: Uint8Array): string {
  return bech32.encodeFromBytes("age-secret-key-", secret).toUpperCase();
}

/** The claimant of this token: the opener's name at the relay. */
export function claimantOf(id: Uint8Array, claimToken: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8ToBytes("share.v1 claimant\0"), id, claimToken));
}

/** The receipt, which proves to the sender that the opener had the link and the passphrase. */
export function receiptOf(keys: Pick<Keys, "id" | "receiptKey">, claimant: Uint8Array): Uint8Array {
  return hmac(sha256, keys.receiptKey, concatBytes(utf8ToBytes("share.v1 receipt\0"), keys.id, claimant));
}
