// ZIP archives of whole files, stored without compression (PKWARE APPNOTE 6.3.10), as a stream of parts. ZIP64 is not
// needed: no share that this page archives has the 4 GiB or the 65,535 files at which it begins.

import { crc32 } from "./crc32.ts";
import { safeName } from "./safe_text.ts";

/** A file of an archive, or an empty directory. */
export interface Packed {
  /** Its safe path: components divided by slashes. */
  readonly path: string;
  /** `null`: a directory. */
  readonly blob: Blob | null;
  readonly isExecutable: boolean;
}

/** More files and directories need ZIP64. */
export const MOST_ENTRIES = 0xfffe;
/** Needs version 2.0 of the format; the attributes are those of Unix (3). */
const VERSION = 20;
const MADE_BY = (3 << 8) | VERSION;
/** Names are UTF-8. */
const FLAGS = 1 << 11;
/** 1980-01-01, the first date of the format: the reader's clock is nobody's business. */
const DATE = (1 << 5) | 1;
/** Types and permissions of files, as on Unix. */
const FILE = 0o100644;
const PROGRAM = 0o100755;
const DIRECTORY = 0o040755;

/** The CRC-32 of a blob. `moved` is called with the number of bytes that were read. */
async function crc32Of(blob: Blob, moved: (bytes: number) => void): Promise<number> {
  let sum = 0;
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return sum;
    sum = crc32(value, sum);
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
  for (const { path, blob, isExecutable } of files) {
    const name = new TextEncoder().encode(blob === null ? `${path}/` : path);
    const sum = blob === null ? 0 : await crc32Of(blob, moved);
    const common = shared(name.length, sum, blob?.size ?? 0);
    const head = joined(fields([4, 0x04034b50]), common, name);
    yield head;
    if (blob !== null) yield blob;
    const mode = blob === null ? DIRECTORY : isExecutable ? PROGRAM : FILE;
    const place = fields([2, 0], [2, 0], [2, 0], [4, mode * 0x10000], [4, offset]);
    directory.push(joined(fields([4, 0x02014b50], [2, MADE_BY]), common, place, name));
    offset += head.length + (blob?.size ?? 0);
  }
  const length = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = files.length;
  yield* directory;
  yield fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0]);
}

/** The fields that a file's header and its entry in the directory have in common. */
function shared(nameLength: number, sum: number, size: number): Uint8Array<ArrayBuffer> {
  const [stored, time, extra] = [0, 0, 0];
  return fields(
    ...([[2, VERSION], [2, FLAGS], [2, stored], [2, time], [2, DATE]] as const),
    ...([[4, sum], [4, size], [4, size], [2, nameLength], [2, extra]] as const),
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
 * disks. `fallbacks` replace missing names of the first paths.
 */
export function safePaths(paths: readonly (readonly string[])[], fallbacks: readonly string[]): string[] {
  const key = (path: readonly string[]) => path.join("/").normalize("NFC").toLowerCase();
  const safe = paths.map((path, index) => [
    ...path.slice(0, -1).map((folder) => safeName(folder, "folder")),
    safeName(path.at(-1) ?? null, fallbacks[index] ?? "folder"),
  ]);
  // No file may have the path of a folder.
  const taken = new Set(safe.flatMap((path) => path.slice(1).map((_, depth) => key(path.slice(0, depth + 1)))));
  /** The numbers to try next for paths that were taken, so that many equal ones take no more time each. */
  const next = new Map<string, number>();
  return safe.map((path) => {
    const name = path.at(-1)!;
    const period = name.lastIndexOf(".");
    const [stem, extension] = period > 0 ? [name.slice(0, period), name.slice(period)] : [name, ""];
    let free = path;
    let number = next.get(key(path)) ?? 2;
    for (; taken.has(key(free)); number++)
      free = [...path.slice(0, -1), `${stem} (${number})${extension}`];
    next.set(key(path), number);
    taken.add(key(free));
    return free.join("/");
  });
}
