// The codec of a video's picture, from its bytes: ISO/IEC 14496-12 (MP4, MOV) and Matroska (WebM).

/** The codec of the picture as its container names it; `null`: there is no picture; "": unknown. */
export type Picture = string | null;

/** The longest `moov` box that is read, in bytes. */
const MAX_MOOV = 64 << 20;
/** The most top-level boxes that are read. */
const MAX_BOXES = 10_000;
/** Bytes at the start of a WebM file that are searched for its tracks. */
const WEBM_HEAD = 256 << 10;

/** Finds the codec of a video's picture. */
export async function pictureOf(blob: Blob, type: string): Promise<Picture> {
  if (type.endsWith("/webm")) return inWebm(await bytesOf(blob, 0, WEBM_HEAD));
  if (!/\/(mp4|quicktime)$/.test(type)) return "";
  let at = 0;
  for (let number = 0; number < MAX_BOXES && at + 8 <= blob.size; number++) {
    const head = await bytesOf(blob, at, 16);
    const { size, start, name } = headOf(head, 0, blob.size - at);
    if (size < start) return "";
    if (name === "moov") return size > MAX_MOOV ? "" : inMoov(await bytesOf(blob, at + start, size - start));
    at += size;
  }
  return "";
}

/** The common name of a codec. */
export function codecName(picture: string): string | null {
  if (/^(hvc|hev|dvh)/.test(picture) || picture.includes("HEVC")) return "HEVC";
  if (/^ap(4|c)/.test(picture)) return "ProRes";
  if (/^avc/.test(picture)) return "H.264";
  if (/^(av01|dav1|V_AV1)/.test(picture)) return "AV1";
  if (/^(vp0|V_VP)/.test(picture)) return "VP9";
  return null;
}

async function bytesOf(blob: Blob, start: number, length: number): Promise<Uint8Array> {
  return new Uint8Array(await blob.slice(start, start + length).arrayBuffer());
}

interface Head {
  /** Bytes of the whole box. */
  readonly size: number;
  /** Offset of its content. */
  readonly start: number;
  readonly name: string;
}

function headOf(bytes: Uint8Array, at: number, left: number): Head {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
  const size = view.getUint32(0);
  if (size === 0) return { size: left, start: 8, name };
  if (size !== 1) return { size, start: 8, name };
  return { size: view.byteLength < 16 ? 0 : Number(view.getBigUint64(8)), start: 16, name };
}

/** The contents of all boxes of one name. */
function inside(bytes: Uint8Array, wanted: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const { size, start, name } = headOf(bytes, at, bytes.length - at);
    if (size < start) break;
    if (name === wanted) found.push(bytes.subarray(at + start, at + size));
    at += size;
  }
  return found;
}

function inMoov(moov: Uint8Array): Picture {
  for (const mdia of inside(moov, "trak").flatMap((trak) => inside(trak, "mdia"))) {
    const handlers = inside(mdia, "hdlr").map((hdlr) => String.fromCharCode(...hdlr.subarray(8, 12)));
    if (!handlers.includes("vide")) continue;
    const [stsd] = inside(mdia, "minf")
      .flatMap((minf) => inside(minf, "stbl"))
      .flatMap((stbl) => inside(stbl, "stsd"));
    const codec = stsd === undefined ? "" : String.fromCharCode(...stsd.subarray(12, 16));
    // Skips cover pictures and pictures of chapters.
    if (codec !== "jpeg" && codec !== "png ") return codec;
  }
  return null;
}

function inWebm(head: Uint8Array): Picture {
  const text = new TextDecoder("latin1").decode(head);
  const codec = /V_[A-Z][\w/]*/.exec(text);
  if (codec) return codec[0];
  return /A_(OPUS|VORBIS)/.test(text) ? null : "";
}
