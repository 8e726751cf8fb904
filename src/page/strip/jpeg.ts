// JPEG (ITU-T T.81, annex B): segments that begin with a marker, and between them the coded picture.

import { areAll, joined, latin1, u16 } from "./bytes.ts";
import * as exif from "./exif.ts";
import { inXmp, Orientations } from "./orientation.ts";
import { Damaged, LOOKED_INTO, type Scan } from "./scan.ts";

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP14 = 0xee;
const COM = 0xfe;

/** Length of JFIF's segment (ISO/IEC 10918-5) without a thumbnail: marker, length and fourteen bytes. */
const JFIF_LEN = 18;
/** Length of Adobe's segment on colors: marker, length and twelve bytes. */
const ADOBE_LEN = 16;

/** A file that decoders reject. */
const INVALID = "the file is not a valid JPEG";
const DAMAGED = "the image data is damaged";

/** The walk from segment to segment. */
interface Walk {
  /** The segment that is looked at: offset of its marker. */
  at: number;
  /** Height and width of the picture as they stand in the frame header, once there was one. */
  frame: string | null;
  /** Whether a scan, that is coded picture, was there. */
  isPictured: boolean;
}

/** Keeps what a decoder needs, with the ICC profile and the orientation. */
export async function scanJpeg(scan: Scan): Promise<void> {
  const orientations = new Orientations();
  await segments(scan, orientations);
  const turned = orientations.settle();
  if (turned === null) return;
  const tiff = exif.onlyOrientation(turned.orientation);
  scan.edits.put(turned.at, joined(Uint8Array.of(0xff, APP1, 0, tiff.length + 8), "Exif\0\0", tiff));
}

/** Whether a marker stands alone, without a segment. */
function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= SOI);
}

/** Whether a marker is that of a frame header. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Looks at one segment after another, up to the end of the picture. */
async function segments(scan: Scan, orientations: Orientations): Promise<void> {
  const walk: Walk = { at: 2, frame: null, isPictured: false };
  for (;;) {
    await skip(scan, walk);
    const head = await scan.peek(walk.at, 2);
    const marker = head[1];
    if (head[0] !== 0xff || marker === undefined) {
      // Cut off in its picture: there is nothing behind that.
      if (walk.isPictured) return;
      throw new Damaged("the file is incomplete");
    }
    if (marker === EOI) {
      if (!walk.isPictured) throw new Damaged(INVALID);
      return end(scan, walk);
    }
    if (isAlone(marker)) {
      walk.at += 2;
      continue;
    }
    const length = (await scan.u16(walk.at + 2)) + 2;
    if (length < 4 || walk.at + length > scan.length) throw new Damaged("a segment is incomplete");
    // Tables, frames and scans are what a decoder needs; everything else is an application's, or nobody's.
    const isNeeded = (marker >= 0xc0 && marker <= 0xcf) || (marker >= SOS && marker <= 0xdf);
    if (!isNeeded) await application(scan, marker, walk.at, length, orientations);
    await check(scan, marker, length, walk);
    walk.at += length;
    if (marker === SOS) {
      walk.isPictured = true;
      walk.at = await nextMarker(scan, walk.at, true);
    }
  }
}

/** Goes to the next marker. Decoders skip what is no marker, and what fills up the space before one. It goes. */
async function skip(scan: Scan, walk: Walk): Promise<void> {
  const found = await nextMarker(scan, walk.at, false);
  if (found <= walk.at) return;
  const skipped = await scan.peek(walk.at, Math.min(found - walk.at, LOOKED_INTO));
  scan.removed.read(latin1(skipped));
  if (!areAll(skipped, 0, 0xff)) scan.removed.field("bytes between segments");
  scan.edits.remove(walk.at, found - walk.at);
  walk.at = found;
}

/**
 * Cuts off what is behind the end of the picture. A film of JPEGs is one after another, all of one size. Phones hide
 * one picture behind a photo, or two of other sizes.
 */
async function end(scan: Scan, walk: Walk): Promise<void> {
  const behind = walk.at + 2;
  if (walk.frame !== null && (await frameBehind(scan, behind)) === walk.frame) {
    const second = await endBehind(scan, behind);
    if ((await frameBehind(scan, second)) === walk.frame)
      throw new Damaged("another picture follows the first one");
  }
  await scan.cut(behind);
}

/**
 * Checks the segment of `length` bytes that the walk has come to. Since bytes between segments are skipped, anything
 * can look like segments. A frame and a scan of it cannot.
 */
async function check(scan: Scan, marker: number, length: number, walk: Walk): Promise<void> {
  if (isFrame(marker)) {
    // In a coded picture only tables and scans follow; another marker is a damaged byte of it (T.81, B.2).
    if (walk.isPictured) throw new Damaged(DAMAGED);
    walk.frame = await frameAt(scan, walk.at, length);
  } else if (marker === SOS) {
    const components = await scan.u8(walk.at + 4);
    if (walk.frame === null || components === 0 || length !== 8 + 2 * components) throw new Damaged(INVALID);
  } else if (marker >= 0x02 && marker <= 0xbf) {
    throw new Damaged(INVALID);
  } else if (((marker >= 0xe0 && marker <= 0xef) || marker === COM) && walk.isPictured) {
    const next = await scan.peek(walk.at + length, 2);
    const isMarker = next[0] === 0xff && next[1] !== undefined && next[1] >= 1 && next[1] <= 0xfe;
    if (!isMarker) throw new Damaged(DAMAGED);
  }
}

/** The height and width that a frame header states, as they stand there. `null`: it is none. */
async function frameAt(scan: Scan, at: number, length: number): Promise<string | null> {
  if (length < 10) return null;
  const head = await scan.exactly(at + 4, 6);
  const components = head[5]!;
  return components > 0 && length === 10 + 3 * components ? latin1(head.subarray(1, 5)) : null;
}

/** The same of a JPEG that begins at `at`, if one does. */
async function frameBehind(scan: Scan, at: number): Promise<string | null> {
  if (latin1(await scan.peek(at, 3)) !== "\xff\xd8\xff") return null;
  at += 2;
  for (;;) {
    const head = await scan.peek(at, 4);
    if (head.length < 4 || head[0] !== 0xff) return null;
    const marker = head[1]!;
    const length = u16(head, 2) + 2;
    if (isFrame(marker)) return at + length > scan.length ? null : frameAt(scan, at, length);
    if (marker <= 0xbf || (marker >= 0xd0 && marker <= SOS)) return null;
    at += length;
  }
}

/** The end of the JPEG that begins at `at`, or of the file. */
async function endBehind(scan: Scan, at: number): Promise<number> {
  let isCoded = false;
  for (;;) {
    at = await nextMarker(scan, at, isCoded);
    const head = await scan.peek(at, 4);
    if (head.length < 4 || head[0] !== 0xff) return scan.length;
    const marker = head[1]!;
    if (marker === EOI) return at + 2;
    at += isAlone(marker) ? 2 : u16(head, 2) + 2;
    isCoded = marker === SOS;
  }
}

/** A segment that decoders may skip. */
async function application(
  scan: Scan,
  marker: number,
  at: number,
  length: number,
  orientations: Orientations,
): Promise<void> {
  const head = await scan.peek(at + 4, Math.min(length - 4, LOOKED_INTO));
  const name = latin1(head.subarray(0, 12));
  if (marker === APP0 && name.startsWith("JFIF\0") && head.length >= 14) {
    if (length <= JFIF_LEN) return;
    scan.removed.thumbnail = true;
    scan.edits.replace(at, length, joined(Uint8Array.of(0xff, APP0, 0, 16), head.subarray(0, 12), "\0\0"));
  } else if (marker === APP2 && name === "ICC_PROFILE\0") {
    return;
  } else if (marker === APP14 && name.startsWith("Adobe") && head.length >= 12) {
    // The meaning of the colors' numbers.
    if (length <= ADOBE_LEN) return;
    scan.removed.field("application data");
    scan.edits.replace(at, length, joined(Uint8Array.of(0xff, APP14, 0, 14), head.subarray(0, 12)));
  } else if (marker === APP1 && name.startsWith("Exif\0") && head.length >= 6) {
    orientations.note("exif", exif.read(head.subarray(6), scan.removed), at);
    scan.edits.remove(at, length);
  } else {
    if (marker === COM) scan.removed.field("comment");
    else if (name.startsWith("JFXX")) scan.removed.thumbnail = true;
    // An index of further pictures behind this one has no metadata itself.
    else if (!name.startsWith("MPF\0")) scan.removed.piece(head);
    if (marker === APP1) orientations.note("xmp", inXmp(latin1(head)), at);
    scan.edits.remove(at, length);
  }
}

/**
 * The next marker from `at` on, or the file's end: in a coded picture, `FF 00` is a byte, and `FF D0` to `FF D7`
 * restart the decoder. Elsewhere, `FF 00` is no marker either (libjpeg's `next_marker`).
 */
async function nextMarker(scan: Scan, at: number, isCoded: boolean): Promise<number> {
  let isEscaped = false;
  for (;;) {
    const window = await scan.window(at);
    if (window.length === 0) return scan.length;
    for (let index = 0; index < window.length; ) {
      if (!isEscaped) {
        const escape = window.indexOf(0xff, index);
        if (escape < 0) break;
        isEscaped = true;
        index = escape + 1;
        continue;
      }
      const byte = window[index]!;
      isEscaped = byte === 0xff;
      const isRestart = isCoded && byte >= 0xd0 && byte <= 0xd7;
      if (!isRestart && byte !== 0 && byte !== 0xff) return at + index - 1;
      index++;
    }
    at += window.length;
  }
}
