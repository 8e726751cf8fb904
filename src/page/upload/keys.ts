// The secrets of a new share. All of them come from the browser's generator; without it nothing is sent.

import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { bech32, bech32m } from "@scure/base";
import { type Link, NEEDS_PASSPHRASE, SECRET_LEN } from "../link.ts";
import { textOf } from "../relay.ts";
import { type Keys, keysOf, stretch } from "../secret.ts";
import { scalarMultBase } from "../x25519.ts";
import { Refused } from "./refused.ts";

/** The secrets of a share that is not announced. */
export interface Fresh {
  readonly link: Link;
  readonly keys: Keys;
  readonly ownerToken: Uint8Array;
}

/** Random bytes. Throws `unsupported` in a browser without a generator. */
export function random(length: number): Uint8Array {
  if (typeof globalThis.crypto?.getRandomValues !== "function") throw new Refused("unsupported");
  return crypto.getRandomValues(new Uint8Array(length));
}

/** The link with this flag and this secret. */
export function linkOf(flags: number, secret: Uint8Array): Link {
  const payload = concatBytes(Uint8Array.of(flags), secret);
  return { fragment: bech32m.encode("share", bech32m.toWords(payload)), flags, payload };
}

/** Makes the secrets of a share. A passphrase takes about a second and 128 MiB. */
export async function fresh(passphrase: string | null): Promise<Fresh> {
  if (passphrase === "") throw new RangeError("an empty passphrase");
  const link = linkOf(passphrase === null ? 0 : NEEDS_PASSPHRASE, random(SECRET_LEN));
  return { link, keys: keysOf(link, await stretch(link, passphrase ?? "")), ownerToken: random(32) };
}

/** The hashes by which the relay knows the tokens. */
export function verifiersOf({ keys, ownerToken }: Fresh): { link: string; open: string; own: string } {
  const of = (role: string, token: Uint8Array) =>
    textOf(sha256(concatBytes(utf8ToBytes(`share.v1 verifier\0${role}\0`), keys.id, token)));
  return { link: of("link", keys.linkToken), open: of("open", keys.openToken), own: of("own", ownerToken) };
}

/** The public key of an age identity. */
export async function publicKeyOf(identity: string): Promise<Uint8Array> {
  return scalarMultBase(bech32.decodeToBytes(identity).bytes);
}
