// `moov` and `moof`: the contents of a film, track by track.

import { areAll, type Bytes, latin1, u32 } from "../bytes.ts";
import { MAX_EDITS } from "../edits.ts";
import { Damaged, type Scan } from "../scan.ts";
import { type Box, child, children, free, NO_BOX } from "./boxes.ts";
import type { Piece } from "./pieces.ts";

/** The longest subtitles that are read to find out whether they are a drone's log of where it was, in bytes. */
const SUBTITLES = 64 << 10;
/** Words in such a log. */
const LOGGED = ["GPS (", "GPS(", "[latitude", "latitude:", "HOME("];
/** The longest table that is read, in bytes. */
const MAX_TABLE = 64 << 20;

const BROKEN = "a track has no valid data offsets";
const ELSEWHERE = "the file refers to other files";
const ENCRYPTED = "the file is encrypted";
const TOO_MANY = "the file has too many pieces";

const TEXT = ["text", "sbtl", "subt", "clcp"];
const SHOWN = ["vide", "soun", "auxv", "pict", "hint"];

/** The film, its tracks, and what they refer to. Returns where what stays is in the file. */
export async function scanMovie(scan: Scan, movie: Box, fragments: readonly Box[]): Promise<Piece[]> {
  const kept: Piece[] = [];
  /** Tracks that stay, by the number with which pieces of a film name them; whether they are subtitles. */
  const tracks = new Map<number, boolean>();
  let sizes = new Map<number, number>();
  for (const next of await children(scan, movie, 0)) {
    if (next.kind === "mvhd") {
      await forgetTimes(scan, next);
    } else if (next.kind === "trak") {
      const found = await track(scan, next, kept);
      if (found !== null && !tracks.has(found.id)) tracks.set(found.id, found.isText);
    } else if (next.kind === "mvex") {
      sizes = await defaultSizes(scan, next);
    } else if (next.kind === "cmov") {
      // Everything in it is compressed.
      throw new Damaged("the table of contents is compressed");
    } else if (next.kind === "rmra") {
      throw new Damaged(ELSEWHERE);
    } else if (!["pssh", "clip", "ctab", "prfl"].includes(next.kind)) {
      // Dashboard cameras have a list of where in the file positions are: what nobody refers to goes.
      if (next.kind === "gps ") scan.removed.location = true;
      await free(scan, next);
    }
    if (kept.length > MAX_EDITS) throw new Damaged(TOO_MANY);
  }
  for (const piece of fragments) await fragment(scan, piece, tracks, sizes, kept);
  return kept;
}

/** The length of the samples of each track, for pieces of the film that do not state it. */
async function defaultSizes(scan: Scan, extending: Box): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for (const { kind, content } of await children(scan, extending, 0))
    if (kind === "trex") sizes.set(await scan.u32(content + 4), await scan.u32(content + 16));
  return sizes;
}

/** A piece of a film that is made of pieces. */
async function fragment(
  scan: Scan,
  piece: Box,
  tracks: ReadonlyMap<number, boolean>,
  sizes: ReadonlyMap<number, number>,
  kept: Piece[],
): Promise<void> {
  let base = piece.at;
  for (const next of await children(scan, piece, 0)) {
    if (next.kind === "traf") base = await run(scan, next, piece.at, base, tracks, sizes, kept);
    else if (next.kind !== "mfhd" && next.kind !== "pssh") await free(scan, next);
    if (kept.length > MAX_EDITS) throw new Damaged(TOO_MANY);
  }
}

/**
 * The samples of one track in a piece of a film (ISO/IEC 14496-12, 8.8.7 and 8.8.8). Returns where they end: the
 * samples of the next track follow, unless it states another place.
 */
async function run(
  scan: Scan,
  track: Box,
  start: number,
  base: number,
  tracks: ReadonlyMap<number, boolean>,
  sizes: ReadonlyMap<number, number>,
  kept: Piece[],
): Promise<number> {
  const parts = await children(scan, track, 0);
  const header = parts.find(({ kind }) => kind === "tfhd");
  if (header === undefined) throw new Damaged(BROKEN);
  const flags = await scan.u32(header.content);
  const id = await scan.u32(header.content + 4);
  let field = header.content + 8;
  let from = flags & 0x02_0000 ? start : base;
  if (flags & 1) {
    // No file is longer than the largest number here.
    from = Math.min(Number(await scan.u64(field)), Number.MAX_SAFE_INTEGER);
    field += 8;
  }
  field += (flags & 2 ? 4 : 0) + (flags & 8 ? 4 : 0);
  const size = flags & 0x10 ? await scan.u32(field) : (sizes.get(id) ?? 0);
  const isText = tracks.get(id);
  // Whether they are a log nobody has looked.
  if (isText === true) throw new Damaged("the file has fragmented subtitles");
  let at = from;
  for (const part of parts) {
    if (part.kind === "trun") {
      const [start, length] = await samplesOf(scan, part, size, from, at);
      if (start + length > scan.length) throw new Damaged(BROKEN);
      if (isText !== undefined) kept.push([start, length]);
      at = start + length;
    } else if (["saio", "saiz", "senc"].includes(part.kind)) {
      throw new Damaged(ENCRYPTED);
    } else if (!["tfhd", "tfdt", "sbgp", "sgpd", "subs", "sdtp"].includes(part.kind)) {
      await free(scan, part);
    }
  }
  return at;
}

/** Samples, of which each has `size` bytes by default: at an offset from `base`, or at `at` by default. */
async function samplesOf(scan: Scan, part: Box, size: number, base: number, at: number): Promise<Piece> {
  const flags = await scan.u32(part.content);
  const count = await scan.u32(part.content + 4);
  let field = part.content + 8;
  if (flags & 1) {
    // A number with a sign.
    at = base + ((await scan.u32(field)) | 0);
    if (at < 0) throw new Damaged(BROKEN);
    field += 4;
  }
  field += flags & 4 ? 4 : 0;
  if (!(flags & 0x200)) return [at, size * count];
  const each = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  const entries = await table(scan, { ...part, content: field }, 0, count, each);
  let length = 0;
  for (let entry = flags & 0x100 ? 4 : 0; entry < entries.length; entry += each) length += u32(entries, entry);
  return [at, length];
}

/** Makes the times nought at which something was made and changed: the first two of a header, in 32 or in 64 bits. */
async function forgetTimes(scan: Scan, header: Box): Promise<void> {
  const length = (await scan.u8(header.content)) === 1 ? 16 : 8;
  if (header.content + 4 + length > header.end) throw new Damaged("a header is too short");
  const times = await scan.peek(header.content + 4, length);
  if (header.kind === "mvhd" && !areAll(times, 0)) scan.removed.time = true;
  scan.edits.fill(header.content + 4, length, 0);
}

/** A track: `null` if it goes. The ranges of the file that it needs are added to `kept`. */
async function track(scan: Scan, track: Box, kept: Piece[]): Promise<{ id: number; isText: boolean } | null> {
  const needed = async (within: Box, kind: string): Promise<Box> => {
    const found = await child(scan, within, kind);
    if (found === undefined) throw new Damaged("a track is incomplete");
    return found;
  };
  const mdia = await needed(track, "mdia");
  const header = await needed(track, "tkhd");
  const handler = await needed(mdia, "hdlr");
  const samplesTable = await needed(await needed(mdia, "minf"), "stbl");
  const kind = await scan.name(handler.content + 8);
  const isText = TEXT.includes(kind);
  const isShown = SHOWN.includes(kind);
  const pieces = isText || isShown ? await samples(scan, samplesTable) : [];
  // Else sensors, positions, times of day.
  if (!isShown && (!isText || (await isLog(scan, pieces)))) {
    await scan.removed.withoutFields(() => free(scan, track));
    scan.removed.track = true;
    return null;
  }
  for (const piece of pieces) kept.push(piece);
  for (const next of await children(scan, track, 0)) {
    if (next.kind === "tkhd") {
      await forgetTimes(scan, next);
    } else if (next.kind === "mdia") {
      await media(scan, next, isShown && kind !== "soun");
    } else if (next.kind === "edts") {
      for (const part of await children(scan, next, 0)) if (part.kind !== "elst") await free(scan, part);
    } else if (!["tref", "trgr", "load", "matt", "clip", "tapt", "txas", "kmat"].includes(next.kind)) {
      await free(scan, next);
    }
  }
  const version = await scan.u8(header.content);
  return { id: await scan.u32(header.content + (version === 1 ? 20 : 12)), isText };
}

async function media(scan: Scan, media: Box, isPicture: boolean): Promise<void> {
  for (const next of await children(scan, media, 0)) {
    if (next.kind === "mdhd") await forgetTimes(scan, next);
    else if (next.kind === "hdlr") unname(scan, next);
    else if (next.kind === "minf") await information(scan, next, isPicture);
    else if (next.kind !== "elng") await free(scan, next);
  }
}

/** A handler has a name, into which programs and cameras write their own. */
export function unname(scan: Scan, handler: Box): void {
  // Version and flags, two kinds; then the maker, flags and a name.
  const at = handler.content + 12;
  scan.edits.fill(at, handler.end - at, 0);
}

async function information(scan: Scan, information: Box, isPicture: boolean): Promise<void> {
  for (const next of await children(scan, information, 0)) {
    if (next.kind === "hdlr") unname(scan, next);
    else if (next.kind === "dinf") await references(scan, next);
    else if (next.kind === "stbl") await sampleTable(scan, next, isPicture);
    else if (!["vmhd", "smhd", "hmhd", "nmhd", "sthd", "gmhd"].includes(next.kind)) await free(scan, next);
  }
}

/** The files that hold the samples. This file needs no path to itself, and another one gets none from us. */
export async function references(scan: Scan, information: Box): Promise<void> {
  const list = await child(scan, information, "dref");
  if (list === undefined) return;
  for (const next of await children(scan, list, 8)) {
    if (!((await scan.u32(next.content)) & 1)) throw new Damaged(ELSEWHERE);
    scan.edits.fill(next.content + 4, next.end - (next.content + 4), 0);
  }
}

/** Tables that say when and where samples are, and how they depend on each other. */
const TABLES = [
  "stts", "ctts", "cslg", "stsc", "stsz", "stz2", "stco", "co64", "stss", "stsh", "stps", "padb", "stdp", "sdtp",
  "sbgp", "sgpd", "subs",
];

async function sampleTable(scan: Scan, table: Box, isPicture: boolean): Promise<void> {
  for (const next of await children(scan, table, 0)) {
    if (next.kind === "stsd") {
      if (isPicture) await descriptions(scan, next);
    } else if (["saio", "saiz", "senc"].includes(next.kind)) {
      throw new Damaged(ENCRYPTED);
    } else if (!TABLES.includes(next.kind)) {
      await free(scan, next);
    }
  }
}

/** How pictures are coded, and who coded them: a vendor's sign and a compressor's name. */
async function descriptions(scan: Scan, list: Box): Promise<void> {
  for (const next of await children(scan, list, 8)) {
    if (next.content + 78 > next.end) continue;
    scan.edits.fill(next.content + 12, 4, 0);
    scan.edits.fill(next.content + 42, 32, 0);
  }
}

/** Whether subtitles are a log of where a drone was. */
async function isLog(scan: Scan, pieces: readonly Piece[]): Promise<boolean> {
  let left = SUBTITLES;
  for (const [at, length] of pieces) {
    const text = latin1(await scan.peek(at, Math.min(length, left)));
    left -= text.length;
    if (LOGGED.some((word) => text.includes(word))) return true;
    if (left <= 0) break;
  }
  return false;
}

/** The `count` entries, of `each` so many bytes, of a table that has `head` bytes before them. */
async function table(scan: Scan, of: Box, head: number, count: number, each: number): Promise<Bytes> {
  const length = count * each;
  if (length > MAX_TABLE) throw new Damaged(BROKEN);
  if (of.content + head + length > of.end) throw new Damaged(NO_BOX);
  return scan.peek(of.content + head, length);
}

/** The places of the samples of a track: pieces of the file, in the order of its chunks. */
async function samples(scan: Scan, within: Box): Promise<Piece[]> {
  const tables = await children(scan, within, 0);
  const named = (wanted: string) => tables.find(({ kind }) => kind === wanted);
  const narrow = named("stco");
  const [places, width] = [narrow ?? named("co64"), narrow === undefined ? 8 : 4];
  const [runs, sizes] = [named("stsc"), named("stsz")];
  if (places === undefined || runs === undefined || sizes === undefined) throw new Damaged(BROKEN);
  const chunks = await scan.u32(places.content + 4);
  const [size, count] = [await scan.u32(sizes.content + 4), await scan.u32(sizes.content + 8)];
  const runCount = await scan.u32(runs.content + 4);
  const placeTable = await table(scan, places, 8, chunks, width);
  const runTable = await table(scan, runs, 8, runCount, 12);
  const sizeTable = size === 0 ? await table(scan, sizes, 12, count, 4) : new Uint8Array(0);
  const found: [at: number, length: number][] = [];
  let [run, sample, left, perChunk] = [0, 0, count, 0];
  for (let number = 1; number <= chunks; number++) {
    // A run begins with the chunk of this number, counted from one, and has so many samples a chunk.
    for (; run < runTable.length && u32(runTable, run) <= number; run += 12) perChunk = u32(runTable, run + 4);
    const here = Math.min(perChunk, left);
    left -= here;
    let length = size * here;
    if (size === 0)
      for (const end = Math.min(sample + here * 4, sizeTable.length); sample < end; sample += 4)
        length += u32(sizeTable, sample);
    const place = (number - 1) * width;
    const at = width === 4 ? u32(placeTable, place) : u32(placeTable, place) * 2 ** 32 + u32(placeTable, place + 4);
    if (at + length > scan.length) throw new Damaged(BROKEN);
    const last = found.at(-1);
    // One behind the other.
    if (last !== undefined && last[0] + last[1] === at) last[1] += length;
    else found.push([at, length]);
    if (found.length > MAX_EDITS) throw new Damaged(TOO_MANY);
  }
  return found;
}
