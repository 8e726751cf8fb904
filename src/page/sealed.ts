// The two files of a report, encrypted to the operator of the relay with age (https://age-encryption.org/v1): an X25519
// recipient and a single chunk. The encrypter of age-encryption would bring kinds of keys that no operator here has.
// src/report/body.rs writes and reads the same bytes.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { base64nopad, bech32 } from "@scure/base";
import { textOf } from "./relay.ts";
import { claimantOf, type Keys } from "./secret.ts";
import { scalarMult, scalarMultBase } from "./x25519.ts";

/** The version of age files. */
export const VERSION = "age-encryption.org/v1";
/** Bytes of the keys with their padding. */
const KEYS_LEN = 512;
/** The note is padded to a multiple of this many bytes. */
const NOTE_PADDING = 2048;

/** The nonce of the only chunk, which is number 0 and the last one. */
const ONLY_CHUNK = new Uint8Array(12);
ONLY_CHUNK[11] = 1;

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
/** A key of an age file. */
export const derived = (key: Uint8Array, salt: Uint8Array | undefined, what: string) =>
  hkdf(sha256, key, salt, utf8ToBytes(what), 32);

/** The public key of an X25519 recipient, `age1…`; `null` for any other text. */
export function publicKeyOf(recipient: unknown): Uint8Array | null {
  try {
    const { prefix, bytes } = bech32.decodeToBytes(recipient as string);
    return prefix === "age" && bytes.length === 32 ? bytes : null;
  } catch {
    return null;
  }
}

/** Encrypts at most 64 KiB to a public key. */
export async function seal(to: Uint8Array, plain: Uint8Array): Promise<Uint8Array> {
  const { head, key } = await begin(to);
  return concatBytes(head, chacha20poly1305(key, ONLY_CHUNK).encrypt(plain));
}

/** Begins an age file to a public key: the header with the nonce of the payload, and the key of the chunks after it. */
export async function begin(to: Uint8Array): Promise<{ readonly head: Uint8Array; readonly key: Uint8Array }> {
  const [fileKey, secret, nonce] = [random(16), random(32), random(16)];
  const share = await scalarMultBase(secret);
  const wrapping = derived(await scalarMult(secret, to), concatBytes(share, to), `${VERSION}/X25519`);
  const wrapped = chacha20poly1305(wrapping, new Uint8Array(12)).encrypt(fileKey);
  const head = `${VERSION}\n-> X25519 ${base64nopad.encode(share)}\n${base64nopad.encode(wrapped)}\n---`;
  const mac = hmac(sha256, derived(fileKey, undefined, "header"), utf8ToBytes(head));
  const line = utf8ToBytes(`${head} ${base64nopad.encode(mac)}\n`);
  return { head: concatBytes(line, nonce), key: derived(fileKey, nonce, "payload") };
}

/** The disclosure of a share to an operator: the share, its opener, and the two identities that decrypt it. */
export function keysFor({ id, manifestIdentity, blobIdentity }: Keys, claimToken: Uint8Array): Uint8Array {
  const claimant = textOf(claimantOf(id, claimToken));
  const identities = { manifest_identity: manifestIdentity, blob_identity: blobIdentity };
  return padded({ v: 1, id: bytesToHex(id), claimant, ...identities }, KEYS_LEN);
}

/** The opener's words about a share. Half of a surrogate pair, which is no character, is replaced. */
export function noteFor(id: Uint8Array, note: string): Uint8Array {
  return padded({ v: 1, id: bytesToHex(id), note: note.replace(/\p{Cs}/gu, "\ufffd") }, NOTE_PADDING);
}

/** Canonical JSON, as a manifest is, and spaces up to a multiple of `step` bytes. */
function padded(body: object, step: number): Uint8Array {
  const json = utf8ToBytes(JSON.stringify(body));
  const bytes = new Uint8Array(Math.ceil(json.length / step) * step).fill(0x20);
  bytes.set(json);
  return bytes;
}
