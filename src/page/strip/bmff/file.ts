// Boxes of the ISO base media file format (ISO/IEC 14496-12) and of QuickTime: MP4, MOV, M4A, 3GP, HEIC, AVIF.
//
// Offsets into the file stand all over such a file, so nothing is moved: a box that goes becomes a `free` one full of
// zeros, and only what is at the very end is cut off. Of the media data, the ranges stay to which a kept track or
// picture refers; the rest becomes zeros: sensors, logs of positions, and ranges without any reference.

import { areAll, latin1 } from "../bytes.ts";
import { Damaged, LOOKED_INTO, type Scan } from "../scan.ts";
import { type Box, boxAt, free, ifBoxes, MAX_BOXES } from "./boxes.ts";
import { scanMovie } from "./movie.ts";
import { firstBehind, type Piece, sideBySide } from "./pieces.ts";
import { isPicture, scanStill } from "./still.ts";

/** Whether a file may begin with a box of this kind. */
export function beginsWith(kind: string): boolean {
  return ["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"].includes(kind);
}

/** Keeps picture, sound and subtitles, and how they are shown. */
export async function scanBoxes(scan: Scan): Promise<void> {
  const { top, end } = await outermost(scan);
  const movies = top.filter(({ kind }) => kind === "moov");
  const stills: Box[] = [];
  for (const meta of top.filter(({ kind }) => kind === "meta"))
    if (await isPicture(scan, meta)) stills.push(meta);
  if (movies.length > 1 || stills.length > 1) throw new Damaged("the file has two tables of contents");
  const [movie] = movies;
  const [still] = stills;
  if (movie === undefined && still === undefined) throw new Damaged("the file has no table of contents");
  const isNeeded = ({ kind, at }: Box) =>
    ["ftyp", "moov", "mdat", "moof", "mfra", "sidx", "ssix", "styp"].includes(kind) ||
    (kind === "meta" && still?.at === at);
  // From the end: what nobody needs there is cut, and not only made empty.
  let last = end;
  for (let next = top.at(-1); next !== undefined && !isNeeded(next); next = top.at(-1)) {
    last = next.at;
    top.pop();
  }
  await cut(scan, last);
  const kept: Piece[] = [];
  if (still !== undefined) for (const piece of await scanStill(scan, still)) kept.push(piece);
  if (movie !== undefined) {
    const fragments = top.filter(({ kind }) => kind === "moof");
    for (const piece of await scanMovie(scan, movie, fragments)) kept.push(piece);
  }
  if (kept.some(([at, length]) => at + length > last)) throw new Damaged("the picture data is missing");
  const merged = sideBySide(kept);
  for (const next of top) {
    if (next.kind === "mdat") empty(scan, next, merged);
    else if (!isNeeded(next)) await free(scan, next);
  }
}

/** The outermost boxes, and where they end. Bytes that are no box were appended to the last one. */
async function outermost(scan: Scan): Promise<{ top: Box[]; end: number }> {
  const top: Box[] = [];
  const end = scan.length;
  let at = 0;
  for (;;) {
    const next = await ifBoxes(boxAt(scan, at, end));
    if (next === null || !/^[ -~]{4}$/.test(next.kind) || (next.end > end && next.kind !== "mdat")) break;
    if (top.length >= MAX_BOXES) throw new Damaged("the file has too many pieces");
    at = Math.min(next.end, end);
    top.push({ ...next, end: at });
  }
  return { top, end: at };
}

/** Makes everything in a box of media data zeros that is in none of the `kept` pieces. */
function empty(scan: Scan, data: Box, kept: readonly Piece[]): void {
  let at = data.content;
  for (let index = firstBehind(kept, at); index < kept.length && kept[index]![0] < data.end; index++) {
    const [start, length] = kept[index]!;
    if (start > at) scan.edits.fill(at, start - at, 0);
    at = Math.max(at, start + length);
  }
  if (at < data.end) scan.edits.fill(at, data.end - at, 0);
}

/** Cuts off what is behind the last box that anybody needs. Padding is nothing to speak of. */
async function cut(scan: Scan, at: number): Promise<void> {
  if (at >= scan.length) return;
  const tail = await scan.peek(at, LOOKED_INTO);
  if (areAll(tail.subarray(8), 0)) {
    scan.edits.remove(at, scan.length - at);
  } else {
    scan.removed.read(latin1(tail));
    await scan.cut(at);
  }
}
