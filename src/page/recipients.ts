// Identities for age-encryption, in place of its own module (settings.mjs), most of which are of other kinds: those of
// shares are X25519. sealed.ts has the other side.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { base64nopad, bech32 } from "@scure/base";
import { derived, VERSION } from "./sealed.ts";
import { unused } from "./unused.ts";
import { scalarMult, scalarMultBase } from "./x25519.ts";

/** A stanza of a header, which age-encryption has read. */
interface Stanza {
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

/** An identity, `AGE-SECRET-KEY-1…`. */
export class X25519Identity {
  readonly #secret: Uint8Array;

  constructor(identity: string) {
    this.#secret = bech32.decodeToBytes(identity).bytes;
  }

  /** The file key in a stanza for this identity; `null`: there is none. Throws if a stanza of its kind is invalid. */
  async unwrapFileKey(stanzas: readonly Stanza[]): Promise<Uint8Array | null> {
    for (const { args, body } of stanzas) {
      if (args[0] !== "X25519") continue;
      const share = base64nopad.decode(args[1] ?? "");
      if (args.length !== 2 || share.length !== 32 || body.length !== 32) throw new Error("invalid X25519 stanza");
      const salt = concatBytes(share, await scalarMultBase(this.#secret));
      const wrapping = derived(await scalarMult(this.#secret, share), salt, `${VERSION}/X25519`);
      try {
        return chacha20poly1305(wrapping, new Uint8Array(12)).decrypt(body);
      } catch {
        // A stanza for another identity.
      }
    }
    return null;
  }
}

export {
  unused as decryptFileKey,
  unused as encryptFileKey,
  unused as generateHybridIdentity,
  unused as generateIdentity,
  unused as generateX25519Identity,
  unused as HybridIdentity,
  unused as HybridRecipient,
  unused as HybridTagRecipient,
  unused as identityToRecipient,
  unused as ScryptIdentity,
  unused as ScryptRecipient,
  unused as TagRecipient,
  unused as X25519Recipient,
};
