// Stands in for modules that age-encryption imports (settings.mjs), and of which this page makes no use: post-quantum
// KEMs, because the identities of shares are X25519 (a quarter of a page with them), and its streams (age.ts).

function unused(): never {
  throw new Error("no share needs this");
}

/** ML-KEM-768 with X25519. */
export const MLKEM768X25519 = { getPublicKey: unused, encapsulate: unused, decapsulate: unused };
/** ML-KEM-768 with P-256. */
export const MLKEM768P256 = MLKEM768X25519;

export { unused as ciphertextSize, unused as decryptSTREAM, unused as encryptSTREAM, unused as plaintextSize };
