// Bytes as text and numbers.

export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes that become letters at a time: a call takes a limited number of arguments. */
const AT_ONCE = 8192;

/** Text of which each letter is one byte (ISO 8859-1), so that engines search it fast. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += AT_ONCE)
    text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return text;
}

/** The bytes of such a text. */
export function bytesOf(text: string): Bytes {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export function joined(...parts: readonly (Uint8Array | string)[]): Bytes {
  const all = parts.map((part) => (typeof part === "string" ? bytesOf(part) : part));
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Big-endian numbers. */
export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** A little-endian number. */
export function u32le(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!) >>> 0;
}

/** The four bytes of a number. */
export function u32Bytes(number: number, littleEndian = false): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number, littleEndian);
  return bytes;
}

/** Whether each byte is one of `allowed`. */
export function areAll(bytes: Uint8Array, ...allowed: readonly number[]): boolean {
  return bytes.every((byte) => allowed.includes(byte));
}
