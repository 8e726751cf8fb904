// The orientation of a picture, from every place that states one: EXIF first, then text chunks of PNG that carry EXIF,
// then XMP. It is kept as EXIF that holds nothing else, in the first of these places.

import { type Bytes, latin1 } from "./bytes.ts";
import * as exif from "./exif.ts";
import { inflated } from "./inflate.ts";
import type { Findings } from "./removed.ts";
import { LOOKED_INTO } from "./scan.ts";

/** Sources of the orientation, the most trusted first. */
const SOURCES = ["exif", "text", "xmp"] as const;
export type Source = (typeof SOURCES)[number];

/** The orientations that a file states, and the first place that states one. */
export class Orientations {
  private readonly stated = new Map<Source, number>();
  /** Offset in the file. */
  private place: number | null = null;

  /** Notes what a piece at `at` states, which goes. Of two pieces of one kind the first counts, as for decoders. */
  note(source: Source, orientation: number | null, at: number): void {
    if (orientation === null) return;
    if (!this.stated.has(source)) this.stated.set(source, orientation);
    this.place ??= at;
  }

  /** The orientation, unless it is the usual one, and the place that it gets. */
  settle(): { readonly orientation: number; readonly at: number } | null {
    const source = SOURCES.find((source) => this.stated.has(source));
    if (source === undefined || this.place === null) return null;
    const orientation = this.stated.get(source)!;
    return orientation > 1 ? { orientation, at: this.place } : null;
  }
}

/** The orientation in XMP (ISO 16684-1), as an attribute or an element. */
export function inXmp(text: string): number | null {
  const stated = /tiff:Orientation[ \t\n\f\r="'>]*([1-8])["'< \n\r]/.exec(text);
  return stated === null ? null : Number(stated[1]);
}

/** EXIF without the mark before it in a JPEG. */
export function tiffOf(bytes: Uint8Array): Uint8Array {
  return latin1(bytes.subarray(0, 6)) === "Exif\0\0" ? bytes.subarray(6) : bytes;
}

/** The orientation in a text chunk of PNG: XMP, or EXIF in hexadecimal digits, as ImageMagick and others write it. */
export async function inText(
  kind: string,
  content: Bytes,
  removed: Findings,
): Promise<{ readonly source: Source; readonly orientation: number | null } | null> {
  const end = content.indexOf(0);
  if (end < 0) return null;
  const keyword = latin1(content.subarray(0, end));
  const isXmp = keyword === "XML:com.adobe.xmp";
  if (!isXmp && !keyword.startsWith("Raw profile type ")) return null;
  const bytes = await textOf(kind, content.subarray(end));
  if (bytes === null) return null;
  const profile = decoded(bytes);
  if (isXmp || keyword.endsWith(" xmp")) return { source: "xmp", orientation: inXmp(latin1(profile ?? bytes)) };
  if (profile === null) return null;
  const found = latin1(profile);
  if (found.includes("tiff:Orientation")) return { source: "xmp", orientation: inXmp(found) };
  return { source: "text", orientation: exif.read(tiffOf(profile), removed) };
}

/** The text of a chunk, from the zero behind its keyword on. */
async function textOf(kind: string, rest: Bytes): Promise<Bytes | null> {
  const unpacked = (at: number) => inflated(rest.subarray(at), LOOKED_INTO);
  if (kind === "tEXt") return rest.subarray(1);
  if (kind === "zTXt") return rest.length < 2 ? null : unpacked(2);
  // A flag, a method, a language and a keyword in it.
  if (rest.length < 3) return null;
  const language = rest.indexOf(0, 3);
  const translated = language < 0 ? -1 : rest.indexOf(0, language + 1);
  if (translated < 0) return null;
  return rest[1] === 1 ? unpacked(translated + 1) : rest.subarray(translated + 1);
}

/** The bytes of a raw profile: a name and a length, each on a line of its own, and hexadecimal digits. */
function decoded(text: Bytes): Bytes | null {
  let start = 0;
  while (isSpace(text[start])) start++;
  const name = text.indexOf(LINE_END, start);
  const end = name < 0 ? -1 : text.indexOf(LINE_END, name + 1);
  if (end < 0 || !/^[ \t\f\r]*[0-9]+[ \t\f\r]*$/.test(latin1(text.subarray(name + 1, end)))) return null;
  const bytes = new Uint8Array((text.length - end) >> 1);
  let count = 0;
  for (let at = end + 1; at < text.length; at++) {
    const digit = digitOf(text[at]!);
    if (digit < 0) continue;
    bytes[count >> 1]! |= count % 2 === 0 ? digit << 4 : digit;
    count++;
  }
  return bytes.subarray(0, count >> 1);
}

const LINE_END = 0x0a;
/** White space of ASCII, as Rust's `is_ascii_whitespace`. */
const isSpace = (byte: number | undefined) => byte !== undefined && " \t\n\f\r".includes(String.fromCharCode(byte));

/** The value of a hexadecimal digit; negative: it is none. */
function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
}
