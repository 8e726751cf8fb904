// Stands in for the post-quantum KEMs that age-encryption imports (settings.mjs): a quarter of a page with them. The
// identities of shares are X25519.

function unused(): never {
  throw new Error("no share has a hybrid identity");
}

/** ML-KEM-768 with X25519. */
export const MLKEM768X25519 = { getPublicKey: unused, encapsulate: unused, decapsulate: unused };
/** ML-KEM-768 with P-256. */
export const MLKEM768P256 = MLKEM768X25519;
