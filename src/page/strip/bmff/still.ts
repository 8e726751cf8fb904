// `meta`: the pictures of a HEIC or AVIF file (ISO/IEC 23008-12), and their properties.

import { areAll, type Bytes, joined, u32 } from "../bytes.ts";
import { MAX_EDITS } from "../edits.ts";
import * as exif from "../exif.ts";
import { Damaged, LOOKED_INTO, type Scan } from "../scan.ts";
import { type Box, child, children, free, ifBoxes } from "./boxes.ts";
import { references, unname } from "./movie.ts";
import { firstBehind, type Piece, sideBySide } from "./pieces.ts";

/** Bytes of version and flags, before anything else in the boxes here. */
const FULL = 4;

const BROKEN = "the picture offsets are missing or invalid";

/** Kinds of items that are pictures, or how pictures make one. */
const PICTURES = [
  "hvc1", "hev1", "av01", "avc1", "vvc1", "jpeg", "j2k1", "unci", "grid", "iovl", "iden", "tmap",
];

/** Properties for decoding, turning and coloring a picture. */
const PROPERTIES = new Set([
  "ispe", "pasp", "colr", "pixi", "rloc", "auxC", "irot", "imir", "clap", "iscl", "lsel", "a1op", "a1lx", "av1C",
  "hvcC", "lhvC", "avcC", "jpgC", "vvcC", "j2kH", "uncC", "cmpd", "clli", "mdcv", "cclv", "amve", "ndwt", "reve",
  "tols", "oinf", "free",
]);

/** Whether a box describes pictures. */
export async function isPicture(scan: Scan, meta: Box): Promise<boolean> {
  const handler = (await ifBoxes(children(scan, meta, FULL)))?.find(({ kind }) => kind === "hdlr");
  return handler !== undefined && (await scan.name(handler.content + 8)) === "pict";
}

/** Keeps the pictures, how they are put together, turned and colored. Returns where they are in the file. */
export async function scanStill(scan: Scan, meta: Box): Promise<Piece[]> {
  const parts = await children(scan, meta, FULL);
  const named = (kind: string) => parts.find((part) => part.kind === kind);
  const list = named("iinf");
  if (list === undefined) throw new Damaged("the file does not list its items");
  const kinds = await items(scan, list);
  const locations = named("iloc");
  if (locations === undefined) throw new Damaged(BROKEN);
  const places = await placesOf(scan, locations, named("idat"));
  const pictures = kinds.filter(({ kind }) => PICTURES.includes(kind));
  const others = kinds.filter(({ kind }) => !PICTURES.includes(kind));
  const primary = named("pitm");
  if (primary === undefined) throw new Damaged("the file has no primary picture");
  const shown = await primaryItem(scan, primary);
  if (!pictures.some(({ id }) => id === shown)) throw new Damaged("the picture format is unknown");
  const of = (id: number) => places.get(id) ?? [];
  const kept = sideBySide(pictures.flatMap(({ id }) => of(id)));
  const length = others.flatMap(({ id }) => of(id)).reduce((sum, [, length]) => sum + length, 0);
  if (length > scan.length) throw new Damaged("pieces of the file overlap");
  for (const { id, kind } of others) {
    for (const [number, [at, length]] of of(id).entries()) {
      const behind = kept[firstBehind(kept, at)];
      const isOver = length > 0 && behind !== undefined && behind[0] < at + length;
      if (isOver) throw new Damaged("pictures and metadata overlap");
      await forget(scan, kind, at, length, number === 0);
    }
  }
  for (const next of parts) {
    if (next.kind === "hdlr") unname(scan, next);
    else if (next.kind === "iprp") await properties(scan, next);
    else if (next.kind === "dinf") await references(scan, next);
    else if (!["pitm", "iloc", "iinf", "iref", "idat", "grpl", "ipro"].includes(next.kind)) await free(scan, next);
  }
  // The new content of these is needed.
  const said = others.filter(({ kind }) => kind === "Exif" || kind === "mime").flatMap(({ id }) => of(id));
  return [...kept, ...said];
}

/** The picture that is shown. */
async function primaryItem(scan: Scan, primary: Box): Promise<number> {
  const version = await scan.u8(primary.content);
  return version === 0 ? scan.u16(primary.content + FULL) : scan.u32(primary.content + FULL);
}

/** Makes an item empty: EXIF without entries, XMP of blanks, anything else of zeros. */
async function forget(scan: Scan, kind: string, at: number, length: number, isFirst: boolean): Promise<void> {
  const bytes = await scan.peek(at, Math.min(length, LOOKED_INTO));
  if (kind === "Exif" && isFirst) {
    const start = bytes.length < 4 ? 0 : u32(bytes, 0);
    exif.read(bytes.subarray(start + 4), scan.removed);
    const nothing = length > LOOKED_INTO ? null : exif.nothing(length - 4);
    if (nothing === null) scan.edits.fill(at, length, 0);
    else scan.edits.replace(at, length, joined("\0\0\0\0", nothing));
    return;
  }
  // An empty item loses nothing.
  if (!areAll(bytes, 0, BLANK)) scan.removed.piece(bytes);
  scan.edits.fill(at, length, kind === "mime" ? BLANK : 0);
}

const BLANK = 0x20;

/** The kinds of all items; and the pictures' names are made empty. */
async function items(scan: Scan, list: Box): Promise<{ readonly id: number; readonly kind: string }[]> {
  const found = new Map<number, string>();
  const head = FULL + ((await scan.u8(list.content)) === 0 ? 2 : 4);
  for (const next of await children(scan, list, head)) {
    const version = await scan.u8(next.content);
    if (version !== 2 && version !== 3) throw new Damaged("the item list has an unsupported version");
    const place = next.content + FULL;
    const id = version === 2 ? await scan.u16(place) : await scan.u32(place);
    const rest = place + (version === 2 ? 2 : 4);
    // Two bytes of protection, the kind, and a name.
    const kind = await scan.name(rest + 2);
    if (kind !== "mime" && kind !== "uri ") scan.edits.fill(rest + 6, next.end - (rest + 6), 0);
    if (found.has(id)) throw new Damaged("the item list names an item twice");
    found.set(id, kind);
  }
  return [...found].map(([id, kind]) => ({ id, kind }));
}

/** Big-endian numbers one after another; those of eight bytes are exact up to the length of any file. */
class Numbers {
  private at = 0;

  constructor(private readonly bytes: Bytes) {}

  next(length: number): number {
    if (this.at + length > this.bytes.length) throw new Damaged(BROKEN);
    let number = 0;
    for (let end = this.at + length; this.at < end; this.at++) number = number * 0x100 + this.bytes[this.at]!;
    return number;
  }
}

/** The places of all items: offset and length of each piece. */
async function placesOf(scan: Scan, locations: Box, data: Box | undefined): Promise<Map<number, Piece[]>> {
  const length = Math.min(locations.end - locations.content, LOOKED_INTO);
  const numbers = new Numbers(await scan.peek(locations.content, length));
  const version = numbers.next(1);
  numbers.next(3);
  const sizes = numbers.next(2);
  const [offsetLength, lengthLength, baseLength] = [(sizes >> 12) & 15, (sizes >> 8) & 15, (sizes >> 4) & 15];
  const indexLength = version > 0 ? sizes & 15 : 0;
  const isKnown = [offsetLength, lengthLength, baseLength, indexLength].every((each) => [0, 4, 8].includes(each));
  if (!isKnown || version > 2) throw new Damaged(BROKEN);
  const idLength = version === 2 ? 4 : 2;
  const places = new Map<number, Piece[]>();
  let pieces = 0;
  for (let left = numbers.next(idLength); left > 0; left--) {
    const id = numbers.next(idLength);
    const method = version > 0 ? numbers.next(2) & 15 : 0;
    numbers.next(2);
    const base = numbers.next(baseLength);
    const extents: Piece[] = [];
    for (let count = numbers.next(2); count > 0; count--) {
      numbers.next(indexLength);
      const [offset, stated] = [numbers.next(offsetLength), numbers.next(lengthLength)];
      if (method > 1 || (method === 1 && data === undefined)) throw new Damaged(BROKEN);
      const [from, end] = method === 1 ? [data!.content, data!.end] : [0, scan.length];
      const at = from + base + offset;
      // Nought: to the end.
      const length = stated === 0 ? Math.max(end - at, 0) : stated;
      if (at + length > end) throw new Damaged(BROKEN);
      if (++pieces > MAX_EDITS) throw new Damaged("the file has too many pieces");
      extents.push([at, length]);
    }
    if (places.has(id)) throw new Damaged(BROKEN);
    places.set(id, extents);
  }
  return places;
}

/**
 * Properties for decoding, turning and coloring a picture stay. Others hold what people wrote about it, or the place
 * of a camera in its room.
 */
async function properties(scan: Scan, within: Box): Promise<void> {
  const list = await child(scan, within, "ipco");
  if (list === undefined) return;
  for (const next of await children(scan, list, 0)) if (!PROPERTIES.has(next.kind)) await free(scan, next);
}
