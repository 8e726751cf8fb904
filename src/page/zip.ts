// ZIP archives of whole files, stored without compression (PKWARE APPNOTE 6.3.10), as a stream of parts. ZIP64 is not
// needed: a browser cannot hold the 4 GiB and 65,535 files at which it begins.

import { safeName } from "./safe_text.ts";

/** A file of an archive. */
export interface Packed {
  /** Its safe path: components divided by slashes. */
  readonly path: string;
  readonly blob: Blob;
  readonly isExecutable: boolean;
}

/** Needs version 2.0 of the format; the attributes are those of Unix (3). */
const VERSION = 20;
const MADE_BY = (3 << 8) | VERSION;
/** Names are UTF-8. */
const FLAGS = 1 << 11;
/** 1980-01-01, the first date of the format: the reader's clock is nobody's business. */
const DATE = (1 << 5) | 1;
const REGULAR_FILE = 0o100000;

/** CRC-32 of the bytes 0 to 255 (ISO/IEC 3309, reflected). */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  return sum;
});

/** The CRC-32 of a blob. `moved` is called with the number of bytes that were read. */
export async function crc32(blob: Blob, moved: (bytes: number) => void = () => {}): Promise<number> {
  let sum = ~0;
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return ~sum >>> 0;
    for (let at = 0; at < value.length; at++) sum = TABLE[(sum ^ value[at]!) & 255]! ^ (sum >>> 8);
    moved(value.length);
  }
}

/**
 * The parts of an archive, in order. The files are read once for their checksums, and are parts themselves, so that
 * none is copied. `moved` is called with the number of bytes that were read.
 */
export async function* zip(files: readonly Packed[], moved: (bytes: number) => void): AsyncGenerator<BlobPart> {
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const file of files) {
    const common = shared(file, await crc32(file.blob, moved));
    const path = new TextEncoder().encode(file.path);
    const head = joined(fields([4, 0x04034b50]), common, path);
    yield head;
    yield file.blob;
    const mode = REGULAR_FILE | (file.isExecutable ? 0o755 : 0o644);
    const place = fields([2, 0], [2, 0], [2, 0], [4, mode * 0x10000], [4, offset]);
    directory.push(joined(fields([4, 0x02014b50], [2, MADE_BY]), common, place, path));
    offset += head.length + file.blob.size;
  }
  const length = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = files.length;
  yield* directory;
  yield fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0]);
}

/** The fields that a file's header and its entry in the directory have in common. */
function shared({ path, blob }: Packed, sum: number): Uint8Array<ArrayBuffer> {
  const nameLength = new TextEncoder().encode(path).length;
  const [stored, time, extra] = [0, 0, 0];
  return fields(
    [2, VERSION],
    [2, FLAGS],
    [2, stored],
    [2, time],
    [2, DATE],
    [4, sum],
    [4, blob.size],
    [4, blob.size],
    [2, nameLength],
    [2, extra],
  );
}

/** Little-endian numbers, each with its length in bytes. */
function fields(...numbers: readonly (readonly [2 | 4, number])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(numbers.reduce((sum, [length]) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [length, number] of numbers) {
    if (length === 2) view.setUint16(at, number, true);
    else view.setUint32(at, number, true);
    at += length;
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Safe and different paths, from paths that a stranger chose. Paths that differ only in case are not different on many
 * disks. `fallbacks` replace missing names.
 */
export function safePaths(paths: readonly (readonly string[])[], fallbacks: readonly string[]): string[] {
  const taken = new Set<string>();
  return paths.map((path, index) => {
    const folders = path.slice(0, -1).map((folder) => safeName(folder, "folder"));
    const name = safeName(path.at(-1) ?? null, fallbacks[index]!);
    const period = name.lastIndexOf(".");
    const [stem, extension] = period > 0 ? [name.slice(0, period), name.slice(period)] : [name, ""];
    const key = (tried: string) => [...folders, tried].join("/").normalize("NFC").toLowerCase();
    let free = name;
    for (let number = 2; taken.has(key(free)); number++) free = `${stem} (${number})${extension}`;
    taken.add(key(free));
    return [...folders, free].join("/");
  });
}
