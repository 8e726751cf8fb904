// WebP (RFC 9649): chunks in a RIFF file.

import { joined, latin1, u32Bytes, u32le } from "./bytes.ts";
import * as exif from "./exif.ts";
import { inXmp, Orientations, tiffOf } from "./orientation.ts";
import { Damaged, LOOKED_INTO, type Scan } from "./scan.ts";

/** Flags of the chunk `VP8X`: which other chunks there are. */
const HAS_XMP = 0x04;
const HAS_EXIF = 0x08;

/** The largest length that the header can state. */
const MAX_LEN = 0xffffffff;

/** Keeps pictures, how they move, transparency and color profile. */
export async function scanWebp(scan: Scan): Promise<void> {
  const whole = Math.min(8 + u32le(await scan.exactly(0, 8), 4), scan.length);
  const orientations = new Orientations();
  let flags: { readonly at: number; readonly value: number } | null = null;
  let isPictured = false;
  let at = 12;
  while (at + 8 <= whole) {
    const { kind, content, padded } = await chunk(scan, at, whole);
    // A file may end without the byte that makes the last length even.
    const length = Math.min(padded, whole - at);
    const start = () => scan.peek(at + 8, Math.min(content, LOOKED_INTO));
    if (kind === "VP8X" && flags === null) {
      flags = { at: at + 8, value: await scan.u8(at + 8) };
    } else if (kind === "VP8 " || kind === "VP8L") {
      isPictured = true;
    } else if (kind === "ANMF") {
      await frame(scan, at + 8 + 16, at + 8 + content);
      isPictured = true;
    } else if (kind === "EXIF") {
      // Some write it as it stands in a JPEG.
      orientations.note("exif", exif.read(tiffOf(await start()), scan.removed), at);
      scan.edits.remove(at, length);
    } else if (kind !== "ALPH" && kind !== "ANIM" && kind !== "ICCP") {
      if (kind === "XMP ") orientations.note("xmp", inXmp(latin1(await start())), at);
      await scan.dropPiece(at, length, at + 8);
    }
    at += length;
  }
  if (!isPictured) throw new Damaged("the length in the header excludes the picture");
  await scan.cut(at);
  const turned = orientations.settle();
  if (turned !== null) {
    const tiff = exif.onlyOrientation(turned.orientation);
    scan.edits.put(turned.at, joined("EXIF", u32Bytes(tiff.length, true), tiff));
  }
  const size = scan.edits.lengthOf(scan.length) - 8;
  if (size > MAX_LEN) throw new Damaged("the file is too large");
  scan.edits.replace(4, 4, u32Bytes(size, true));
  if (flags !== null) {
    const kept = turned === null ? 0 : HAS_EXIF;
    scan.edits.replace(flags.at, 1, Uint8Array.of((flags.value & ~(HAS_XMP | HAS_EXIF)) | kept));
  }
}

/** A chunk's name, the length of its content, and its own. It must end before `end`, or its padding behind it. */
async function chunk(scan: Scan, at: number, end: number) {
  const head = await scan.exactly(at, 8);
  const content = u32le(head, 4);
  if (at + 8 + content > end) throw new Damaged("a chunk is incomplete");
  return { kind: latin1(head.subarray(0, 4)), content, padded: 8 + content + (content % 2) };
}

/** A picture of an animation: what is no picture in it is made unreadable where it stands. */
async function frame(scan: Scan, at: number, end: number): Promise<void> {
  while (at + 8 <= end) {
    const { kind, content, padded } = await chunk(scan, at, end);
    if (kind !== "VP8 " && kind !== "VP8L" && kind !== "ALPH") {
      scan.removed.field(null);
      scan.edits.fill(at + 8, content, 0);
    }
    at += padded;
  }
}
