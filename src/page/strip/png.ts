// PNG (W3C, third edition): chunks, of which a decoder may skip those whose names begin with a small letter.

import { crc32 } from "../crc32.ts";
import { bytesOf, type Bytes, joined, latin1, u32, u32Bytes } from "./bytes.ts";
import * as exif from "./exif.ts";
import { inText, Orientations } from "./orientation.ts";
import { Damaged, LOOKED_INTO, type Scan } from "./scan.ts";

/** Chunks for decoding, for colors and for animation; the last one is the mark of Apple's own kind of PNG. */
const KEPT = new Set([
  "tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "mDCV", "cLLI", "mDCv", "cLLi", "bKGD", "hIST", "pHYs",
  "acTL", "fcTL", "fdAT", "IHDR", "PLTE", "CgBI",
]);

/** Keeps the chunks for decoding, for colors and for animation. */
export async function scanPng(scan: Scan): Promise<void> {
  const orientations = new Orientations();
  await chunks(scan, orientations);
  const turned = orientations.settle();
  if (turned !== null) scan.edits.put(turned.at, chunk("eXIf", exif.onlyOrientation(turned.orientation)));
}

async function chunks(scan: Scan, orientations: Orientations): Promise<void> {
  let isPictured = false;
  for (let at = 8; ; ) {
    const head = await scan.peek(at, 8);
    if (head.length < 8) {
      if (!isPictured) throw new Damaged("the file is incomplete");
      // Cut off in its picture: there is nothing behind that.
      return scan.cut(at);
    }
    const content = u32(head, 0);
    const kind = latin1(head.subarray(4));
    const length = content + 12;
    const start = () => scan.peek(at + 8, Math.min(content, LOOKED_INTO));
    if (at + length > scan.length) {
      if (isPictured && kind === "IDAT") return;
      throw new Damaged("a chunk is incomplete");
    }
    if (kind === "IEND") {
      if (latin1(await scan.peek(at + length, 8)) === "\x89PNG\r\n\x1a\n")
        throw new Damaged("another picture follows the first one");
      return scan.cut(at + length);
    }
    if (kind === "IDAT") {
      isPictured = true;
    } else if (kind === "eXIf") {
      orientations.note("exif", exif.read(await start(), scan.removed), at);
      scan.edits.remove(at, length);
    } else if (kind === "tEXt" || kind === "zTXt" || kind === "iTXt") {
      const found = await inText(kind, await start(), scan.removed);
      if (found !== null) orientations.note(found.source, found.orientation, at);
      await scan.dropPiece(at, length, at + 8);
    } else if (kind === "tIME") {
      scan.removed.time = true;
      scan.edits.remove(at, length);
    } else if (!KEPT.has(kind)) {
      // Without these a decoder must give up, and their content is unknown.
      if (/^[A-Z]/.test(kind)) throw new Damaged("the file has an unknown critical chunk");
      await scan.dropPiece(at, length, at + 8);
    }
    at += length;
  }
}

function chunk(kind: string, content: Bytes): Bytes {
  const sum = crc32(content, crc32(bytesOf(kind)));
  return joined(u32Bytes(content.length), kind, content, u32Bytes(sum));
}
