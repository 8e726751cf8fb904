// X25519 (RFC 7748), without the two ways that age-encryption takes: WebCrypto, which is missing over plain http and of
// which WebKitGTK's refuses about one key in a thousand (DataError), so that a share looked damaged; and the Edwards
// curve, which multiplies the base point faster and would be a seventh of the page.

import { pow } from "@noble/curves/abstract/modular.js";
import { montgomery } from "@noble/curves/abstract/montgomery.js";

/** The order of the field: 2^255 - 19. */
const P = 2n ** 255n - 19n;

const x25519 = montgomery({
  P,
  type: "x25519",
  powPminus2: (x: bigint) => pow(x, P - 2n, P),
  // RFC 7748, 5: decodeScalar25519.
  adjustScalarBytes: (bytes: Uint8Array) => {
    bytes[0]! &= 248;
    bytes[31]! &= 127;
    bytes[31]! |= 64;
    return bytes;
  },
});

/** The shared secret of a secret key and the other side's public key. */
export async function scalarMult(scalar: Uint8Array, u: Uint8Array): Promise<Uint8Array> {
  return x25519.scalarMult(scalar, u);
}

/** The public key of a secret key. */
export async function scalarMultBase(scalar: Uint8Array): Promise<Uint8Array> {
  return x25519.scalarMultBase(scalar);
}
