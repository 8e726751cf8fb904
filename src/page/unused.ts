// Stands in for what age-encryption imports and this page does not use (settings.mjs): recipients and other kinds of
// identities (recipients.ts), and streams (age.ts).

export function unused(): never {
  throw new Error("no share needs this");
}

export { unused as ciphertextSize, unused as decryptSTREAM, unused as encryptSTREAM, unused as plaintextSize };
