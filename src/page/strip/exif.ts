// EXIF: a TIFF structure (CIPA DC-008, section 4.6) with the data that a camera adds.

import { type Bytes, joined } from "./bytes.ts";
import type { Field, Findings } from "./removed.ts";

/** Directories that are looked into: more than any camera writes. */
const MAX_DIRECTORIES = 16;

const MAKE = 0x010f;
const MODEL = 0x0110;
const ORIENTATION = 0x0112;
const THUMBNAIL = 0x0201;
const EXIF = 0x8769;
const GPS = 0x8825;
const INTEROPERABILITY = 0xa005;
const SERIAL = 0xa431;
/** The first and the last tag of a lens. */
const LENS = [0xa432, 0xa435] as const;
/** Times of recording, digitizing and editing, their offsets from UTC, and fractions of their seconds. */
const TIMES = [0x0132, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292];

/** Names of entries for people: single tags, and ranges as their first and last tags. */
const NAMES: readonly (readonly [name: Field, ...tags: (number | readonly [number, number])[]])[] = [
  ["description", 0x010e, 0x9c9b, 0x9c9f],
  ["resolution", 0x011a, 0x011b, 0x0128],
  ["software", 0x0131],
  ["author", 0x013b, 0x9c9d],
  ["computer", 0x013c],
  ["rating", 0x4746, 0x4749],
  ["camera settings", 0x829a, 0x829d, 0x8822, 0x8827, [0x9201, 0x920a], [0xa402, 0xa40c]],
  ["copyright", 0x8298],
  ["maker note", 0x927c],
  ["comment", 0x9286, 0x9c9c],
  ["keywords", 0x9c9e],
  ["image ID", 0xa420],
  ["owner", 0xa430],
  ["picture format", [0xa001, 0xa003], 0x0100, 0x0101, 0x0213, 0x9101],
  ["EXIF version", 0x9000, 0xa000],
];
/** The same by tag. Others have no name that would be understood. */
const NAMED = new Map<number, Field>();
for (const [name, ...tags] of NAMES) {
  for (const tag of tags) {
    const [first, last] = typeof tag === "number" ? [tag, tag] : tag;
    for (let each = first; each <= last; each++) NAMED.set(each, name);
  }
}

/** Numbers of a TIFF structure; `null`: they are outside it. */
class Tiff {
  private readonly view: DataView;
  private readonly isLittle: boolean;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.isLittle = bytes[0] === 0x49 && bytes[1] === 0x49;
  }

  private has(at: number, length: number): boolean {
    return at + length <= this.view.byteLength;
  }

  u8(at: number): number | null {
    return this.has(at, 1) ? this.view.getUint8(at) : null;
  }

  u16(at: number): number | null {
    return this.has(at, 2) ? this.view.getUint16(at, this.isLittle) : null;
  }

  u32(at: number): number | null {
    return this.has(at, 4) ? this.view.getUint32(at, this.isLittle) : null;
  }

  /** The first number of an entry. The standard has one type for each tag; cameras and programs take others. */
  number(entry: number): number | null {
    const [type, count] = [this.u16(entry + 2), this.u32(entry + 4)];
    if (type === null || count === null) return null;
    // BYTE, SBYTE, UNDEFINED; SHORT, SSHORT; LONG, SLONG, IFD.
    const size = [1, 6, 7].includes(type) ? 1 : [3, 8].includes(type) ? 2 : [4, 9, 13].includes(type) ? 4 : null;
    // More than four bytes stand elsewhere.
    const at = size !== null && count * size > 4 ? this.u32(entry + 8) : entry + 8;
    if (size === null || at === null) return null;
    return size === 1 ? this.u8(at) : size === 2 ? this.u16(at) : this.u32(at);
  }
}

/** Notes the entries of `bytes`, as far as they can be read. Returns the orientation, 1 to 8, if they state one. */
export function read(bytes: Uint8Array, removed: Findings): number | null {
  const tiff = new Tiff(bytes);
  const first = tiff.u32(4);
  if (first === null) return null;
  let orientation: number | null = null;
  // Directory 0 is the picture's, the one behind it the thumbnail's.
  const directories = [{ at: first, isGps: false }];
  let seen = 0;
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    const { at, isGps } = next;
    seen++;
    const count = tiff.u16(at);
    if (count === null || seen > MAX_DIRECTORIES) continue;
    for (let number = 0; number < count; number++) {
      const entry = at + 2 + number * 12;
      const [tag, value] = [tiff.u16(entry), tiff.u32(entry + 8)];
      if (tag === null || value === null) break;
      if (isGps) {
        // The first entry has only the version.
        if (tag !== 0) removed.location = true;
      } else if (tag === EXIF || tag === INTEROPERABILITY || tag === GPS) {
        directories.push({ at: value, isGps: tag === GPS });
      } else if ([MAKE, MODEL, SERIAL].includes(tag) || (tag >= LENS[0] && tag <= LENS[1])) {
        removed.camera = true;
      } else if (tag === ORIENTATION) {
        const turned = tiff.number(entry);
        if (seen === 1 && turned !== null && turned >= 1 && turned <= 8) orientation ??= turned;
      } else if (tag === THUMBNAIL) {
        removed.thumbnail = true;
      } else if (TIMES.includes(tag)) {
        removed.time = true;
      } else {
        removed.field(NAMED.get(tag) ?? null);
      }
    }
    const behind = tiff.u32(at + 2 + count * 12);
    if (behind !== null && behind > 0 && !isGps) directories.push({ at: behind, isGps: false });
  }
  return orientation;
}

/** A TIFF structure with nothing but the orientation: one SHORT, in the first half of the value's place. */
export function onlyOrientation(orientation: number): Bytes {
  const entry = joined("\x01\x12\0\x03\0\0\0\x01\0", Uint8Array.of(orientation), "\0\0");
  // No directory follows.
  return joined("MM\0\x2a\0\0\0\x08\0\x01", entry, "\0\0\0\0");
}

/** A TIFF structure without entries, in `length` bytes; `null`: it does not fit. */
export function nothing(length: number): Bytes | null {
  const tiff = joined("MM\0\x2a\0\0\0\x08\0\0\0\0\0\0");
  return tiff.length <= length ? joined(tiff, new Uint8Array(length - tiff.length)) : null;
}
