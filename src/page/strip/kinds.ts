// The media type of a file, by its bytes alone: the same that the program writes into a manifest. media.ts decides what
// is shown, by a shorter list.

import { HEAD_LEN } from "../media.ts";
import { latin1 } from "./bytes.ts";

type Matches = (head: string) => boolean;

/** Begins with `word`, at an offset, in a head of at least so many bytes. */
const is =
  (word: string, at = 0, least = 0): Matches =>
  (head) =>
    head.length >= least && head.startsWith(word, at);
const any =
  (...matches: readonly Matches[]): Matches =>
  (head) =>
    matches.some((matches) => matches(head));
const all =
  (...matches: readonly Matches[]): Matches =>
  (head) =>
    matches.every((matches) => matches(head));

const ZIP = "PK\x03\x04";
const TIFF = any(is("II*\0"), is("MM\0*"));
const CR2 = all(TIFF, is("CR\x02", 8));
const MATROSKA = is("\x1a\x45\xdf\xa3", 0, 257);
const OFFICE = "application/vnd.openxmlformats-officedocument.";
const DRAWING = /^(MC0\.0\0|AC(1\.[23]\0|1\.[45]0|2\.10|2\.2[12]|100[123469]|101[2-58]|102[147]|103[25]))/;
const MP4 = /^[^]{4}ftyp(avc1|dash|iso[2-6m]|mmp4|mp4[12v]|mp71|MSNV|NDAS|ND[SX][CHMPS]|NSDC|F4[VP] )/;

/** Types by their first bytes, in the order of the `infer` crate: the first that matches counts. Texts are not here. */
const TYPES: readonly (readonly [type: string, matches: Matches])[] = [
  ["application/wasm", is("\0asm\x01\0\0\0")],
  ["application/x-executable", is("\x7fELF", 0, 53)],
  ["application/vnd.microsoft.portable-executable", is("MZ")],
  ["application/java", (head) => isClass(head) === true],
  ["application/x-llvm", is("BC")],
  ["application/x-mach-binary", any(is("\xcf\xfa\xed\xfe"), is("\xce\xfa\xed\xfe"), is("\xfe\xed\xfa\xcf"))],
  ["application/x-mach-binary", any(is("\xfe\xed\xfa\xce"), (head) => isClass(head) === false)],
  ["application/vnd.android.dex", isDex],
  ["application/vnd.android.dey", (head) => is("dey\n", 0, 101)(head) && isDex(head.slice(40, 100))],
  ["application/x-x509-ca-cert", is("\x30\x82", 0, 3)],
  ["application/x-executable", any(is("\x64\x86", 0, 3), is("\x4c\x01", 0, 3), is("\0\x02", 0, 3))],
  ["application/x-x509-ca-cert", is("-----BEGIN ", 0, 12)],
  ["application/x-qemu-disk", is("QFI\xfb", 0, 5)],
  ["application/epub+zip", all(is(ZIP), is("mimetypeapplication/epub+zip", 30))],
  ["application/x-mobipocket-ebook", is("BOOKMOBI", 60)],
  ["image/jpeg", is("\xff\xd8\xff")],
  ["image/jp2", is("\0\0\0\x0cjP  \r\n\x87\n\0")],
  ["image/png", is("\x89PNG")],
  ["image/gif", is("GIF")],
  ["image/webp", is("WEBP", 8)],
  ["image/x-canon-cr2", CR2],
  ["image/tiff", (head) => head.length > 9 && TIFF(head) && head[8] !== "C" && head[9] !== "R"],
  ["image/bmp", is("BM")],
  ["image/vnd.ms-photo", is("II\xbc")],
  ["image/vnd.adobe.photoshop", is("8BPS")],
  ["image/vnd.microsoft.icon", is("\0\0\x01\0")],
  ["image/heif", (head) => /^hei[cx]$/.test(major(head)) || (/^m[is]f1$/.test(major(head)) && hasBrand(head, "heic"))],
  ["image/avif", (head) => /^avi[fs]$/.test(major(head)) || hasBrand(head, "avif", "avis")],
  ["image/jxl", any(is("\xff\x0a", 0, 3), is("\0\0\0\x0cJXL \r\n\x87\n", 0, 13))],
  ["image/openraster", all(is(ZIP), is("mimetypeimage/openraster", 30, 58))],
  ["image/vnd.djvu", all(is("AT&TFORM"), is("DJV", 12))],
  ["image/vnd.dwg", (head) => DRAWING.test(head)],
  ["video/mp4", (head) => MP4.test(head)],
  ["video/x-m4v", is("ftypM4V", 4)],
  ["video/x-matroska", (head) => MATROSKA(head) && head.slice(0, 256).includes("\x42\x82\x88matroska")],
  ["video/webm", (head) => MATROSKA(head) && head.slice(0, 256).includes("\x42\x82\x84webm")],
  ["video/quicktime", any(is("ftypqt  ", 4, 16), is("moov", 4, 16), is("mdat", 4, 16), is("mdat", 12))],
  ["video/x-msvideo", all(is("RIFF"), is("AVI", 8))],
  ["video/x-ms-wmv", is("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9")],
  ["video/mpeg", (head) => /^\0\0\x01[\xb0-\xbf]/.test(head)],
  ["video/x-flv", is("FLV\x01")],
  ["audio/midi", is("MThd")],
  ["audio/mpeg", any(is("ID3"), (head) => /^\xff[\xfb\xf3\xf2][^]/.test(head))],
  ["audio/m4a", any(is("ftypM4A", 4), is("M4A ", 0, 11))],
  ["audio/opus", all(is("OggS"), is("OpusHead", 28))],
  ["audio/ogg", is("OggS")],
  ["audio/x-flac", is("fLaC")],
  ["audio/x-wav", all(is("RIFF"), is("WAVE", 8))],
  ["audio/amr", is("#!AMR\n", 0, 12)],
  ["audio/aac", any(is("\xff\xf1"), is("\xff\xf9"))],
  ["audio/x-aiff", all(is("FORM"), is("AIFF", 8))],
  ["audio/x-dsf", is("DSD ", 0, 5)],
  ["audio/x-ape", is("MAC ", 0, 5)],
  ["application/font-woff", any(is("wOFF\0\x01\0\0"), is("wOF2\0\x01\0\0"))],
  ["application/font-sfnt", any(is("\0\x01\0\0\0"), is("OTTO\0"))],
  [`${OFFICE}wordprocessingml.document`, (head) => office(head) === "word/"],
  [`${OFFICE}spreadsheetml.sheet`, (head) => office(head) === "xl/"],
  [`${OFFICE}presentationml.presentation`, (head) => office(head) === "ppt/"],
  ["application/vnd.oasis.opendocument.text", isOpen("text")],
  ["application/vnd.oasis.opendocument.spreadsheet", isOpen("spreadsheet")],
  ["application/vnd.oasis.opendocument.presentation", isOpen("presentation")],
  ["application/zip", (head) => /^PK(\x03\x04|\x05\x06|\x07\x08|00PK\x03\x04)/.test(head)],
  ["application/x-tar", is("ustar", 257)],
  ["application/x-par2", is("PAR2\0PKT", 0, 9)],
  ["application/vnd.rar", any(is("Rar!\x1a\x07\0"), is("Rar!\x1a\x07\x01"))],
  ["application/gzip", is("\x1f\x8b\x08")],
  ["application/x-bzip2", is("BZh")],
  ["application/vnd.bzip3", is("BZ3v1")],
  ["application/x-7z-compressed", is("7z\xbc\xaf\x27\x1c")],
  ["application/x-xz", is("\xfd7zXZ\0")],
  ["application/pdf", (head) => head.slice(0, 1024).includes("%PDF")],
  ["application/x-shockwave-flash", any(is("CWS"), is("FWS"))],
  ["application/rtf", is("{\\rtf")],
  ["application/octet-stream", (head) => is("LP", 34)(head) && /^(\x02\0\x01|\x01\0\0|\x02\0\x02)/.test(head.slice(8))],
  ["application/postscript", is("%!")],
  ["application/vnd.sqlite3", is("SQLi")],
  ["application/x-nintendo-nes-rom", is("NES\x1a")],
  ["application/x-google-chrome-extension", is("Cr24")],
  ["application/vnd.ms-cab-compressed", any(is("MSCF"), is("ISc("))],
  ["application/vnd.debian.binary-package", is("!<arch>\ndebian-binary")],
  ["application/x-unix-archive", is("!<arch>")],
  ["application/x-compress", any(is("\x1f\xa0"), is("\x1f\x9d"))],
  ["application/x-lzip", is("LZIP")],
  ["application/x-rpm", is("\xed\xab\xee\xdb", 0, 97)],
  ["application/dicom", is("DICM", 128)],
  ["application/zstd", isFramed("\x28\xb5\x2f\xfd")],
  ["application/x-lz4", isFramed("\x04\x22\x4d\x18")],
  ["application/x-ole-storage", is("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")],
  ["application/x-cpio", any(is("\xc7\x71"), is("\x71\xc7"), is("070701", 0, 7))],
];

/** A number in a head that is long enough. */
const u16 = (head: string, at: number): number => head.charCodeAt(at) * 0x100 + head.charCodeAt(at + 1);
const u32 = (head: string, at: number): number => u16(head, at) * 0x10000 + u16(head, at + 2);
const u32le = (head: string, at: number): number =>
  u16(head[at + 3]! + head[at + 2]!, 0) * 0x10000 + u16(head[at + 1]! + head[at]!, 0);

/** `true`: a class of Java, whose version is at least 45; `false`: programs for several processors of Apple's. */
function isClass(head: string): boolean | null {
  if (!is("\xca\xfe\xba\xbe", 0, 8)(head)) return null;
  if (u32(head, 4) < 45) return false;
  return u16(head, 6) >= 45 ? true : null;
}

function isDex(head: string): boolean {
  return head.startsWith("dex\n") && head[36] === "\x70";
}

/** The brands of a file whose box `ftyp` is in the head. */
function hasBrands(head: string): boolean {
  return head.length >= 16 && head.startsWith("ftyp", 4) && head.length >= u32(head, 0);
}

/** The main brand; nothing: there is none. */
function major(head: string): string {
  return hasBrands(head) ? head.slice(8, 12) : "";
}

/** Whether one of `brands` is among the others. */
function hasBrand(head: string, ...brands: readonly string[]): boolean {
  if (!hasBrands(head)) return false;
  const end = Math.floor(u32(head, 0) / 4) * 4;
  for (let at = 16; at < end && at + 4 <= head.length; at += 4)
    if (brands.includes(head.slice(at, at + 4))) return true;
  return false;
}

/** The directory that tells the kind of an office document, from the names of the first files in its archive. */
function office(head: string): string | null {
  if (!head.startsWith(ZIP)) return null;
  const names = ["word/", "ppt/", "xl/"];
  const named = (at: number) => names.find((name) => head.startsWith(name, at)) ?? null;
  if (named(30) !== null) return named(30);
  if (!["[Content_Types].xml", "_rels/.rels", "docProps"].some((name) => head.startsWith(name, 30))) return null;
  /** The name in the next header of a file, at most 6000 bytes behind `at`. */
  const next = (at: number): number | null => {
    const found = head.slice(at, at + 6000).indexOf(ZIP);
    return found < 0 ? null : at + found + 30;
  };
  const second = next(u32le(head, 18) + 49);
  const third = second === null ? null : next(second);
  if (third === null || named(third) === null) return null;
  const fourth = next(third + 26);
  return fourth === null ? null : named(fourth);
}

/** An OpenDocument file of a kind. */
function isOpen(kind: string): Matches {
  return all(is(ZIP), is("mimetype", 30), is(`vnd.oasis.opendocument.${kind}`, 50));
}

/** Compressed frames, behind those that may be skipped (RFC 8878, 3.1.2). */
function isFramed(magic: string): Matches {
  return (head) => {
    for (let at = 0; ; at += 8 + u32le(head, at + 4)) {
      if (head.startsWith(magic, at)) return true;
      if (at + 8 > head.length || !/^[\x50-\x5f]\x2a\x4d\x18/.test(head.slice(at, at + 4))) return false;
    }
  };
}

/**
 * The media type of a file that begins with `bytes`. `isWhole`: nothing follows, so the last character of a text cannot
 * be cut in two.
 */
export function typeOf(bytes: Uint8Array, isWhole: boolean): string {
  const head = latin1(bytes);
  const text = textOf(bytes, isWhole);
  const [found] = TYPES.find(([, matches]) => matches(head)) ?? [];
  if (found !== undefined) {
    // Most formats begin with letters with which a text may begin too, such as BM, BC or GIF.
    return text !== null && !MADE_OF_TEXT.includes(found) && !CONTROL.test(text) ? "text/plain" : found;
  }
  const [box, brand] = [head.slice(4, 8), head.slice(8, 12)];
  if (box === "ftyp" && brand.length === 4) {
    if (/^avi[fs]$/.test(brand)) return "image/avif";
    if (/^(mif1|msf1|hei[cxms]|hev[cx])$/.test(brand)) return "image/heif";
    // Every camera has a brand of its own.
    return brand.startsWith("3g") ? "video/3gpp" : "video/mp4";
  }
  if (/^(moov|mdat|wide|pnot)$/.test(box)) return "video/quicktime";
  return text === null ? "application/octet-stream" : "text/plain";
}

/** Formats that are text. */
const MADE_OF_TEXT = ["application/pdf", "application/rtf", "application/postscript", "application/x-x509-ca-cert"];
/** Control characters that do not structure a text. */
const CONTROL = /[\x00-\x08\x0b\x0e-\x1f\x7f]/;

/** The beginning of a text in UTF-8; `null`: it is none. */
function textOf(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isWhole });
    return text !== "" && !text.includes("\0") ? text : null;
  } catch {
    return null;
  }
}

/** The type of a file by its first bytes. */
export async function typeOfFile(file: Blob): Promise<string> {
  const head = new Uint8Array(await file.slice(0, HEAD_LEN).arrayBuffer());
  return typeOf(head, file.size <= HEAD_LEN);
}
