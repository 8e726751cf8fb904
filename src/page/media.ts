// The kind of a file, from its bytes. The sender's type and the name are not trusted. Only the types listed here are
// shown: never SVG, HTML or PDF, which can contain scripts.

/** The kinds of file that the page can show. */
export type Kind = "photo" | "video" | "sound" | "text";

/** How a file can be shown. */
export interface Showable {
  readonly kind: Kind;
  /** The MIME type that the browser gets. */
  readonly type: string;
}

/** Bytes at the start of a file that decide its kind. */
export const HEAD_LEN = 8192;
/** The longest text that is shown rather than saved, in bytes. */
export const MAX_TEXT = 1 << 20;

/** The kind of a sender's MIME type; `file`: it can only be saved. */
export function kindOf(type: string): Kind | "file" {
  if (type.startsWith("image/") && !type.includes("svg")) return "photo";
  if (type.startsWith("video/")) return "video";
  if (type.startsWith("audio/")) return "sound";
  return type === "text/plain" ? "text" : "file";
}

/** How a file that starts with `head` can be shown. Text is decided by the whole file: see `asText`. */
export function sniff(head: Uint8Array): Showable | null {
  const at = (offset: number, text: string) =>
    [...text].every((letter, index) => head[offset + index] === letter.charCodeAt(0));
  const photo = (type: string): Showable => ({ kind: "photo", type });
  const video = (type: string): Showable => ({ kind: "video", type });
  const sound = (type: string): Showable => ({ kind: "sound", type });
  if (at(0, "\xff\xd8\xff")) return photo("image/jpeg");
  if (at(0, "\x89PNG\r\n\x1a\n")) return photo("image/png");
  if (at(0, "GIF87a") || at(0, "GIF89a")) return photo("image/gif");
  if (at(0, "RIFF") && at(8, "WEBP")) return photo("image/webp");
  if (at(0, "RIFF") && at(8, "WAVE")) return sound("audio/wav");
  // The first page of an Ogg file names the codec: a video must not pass as a sound.
  if (at(0, "OggS"))
    return /theora|OVP80|BBCD/.test(String.fromCharCode(...head.subarray(0, 512)))
      ? video("video/ogg")
      : sound("audio/ogg");
  if (at(0, "fLaC")) return sound("audio/flac");
  if (at(0, "ID3") || (head[0] === 0xff && (head[1]! & 0xe6) === 0xe2)) return sound("audio/mpeg");
  if (at(0, "\x1a\x45\xdf\xa3")) {
    const start = String.fromCharCode(...head.subarray(0, 64));
    return start.includes("webm") ? video("video/webm") : null;
  }
  if (at(4, "ftyp")) {
    const brand = String.fromCharCode(...head.subarray(8, 12));
    // Some files have a general major brand, and the exact one among the compatible brands.
    const brands = String.fromCharCode(...head.subarray(8, Math.min((head[2]! << 8) | head[3]! || 12, 512)));
    if (brand === "avif" || brand === "avis" || (/^(mif1|msf1|miaf)$/.test(brand) && /avi[fs]/.test(brands)))
      return photo("image/avif");
    if (/^(hei[cxms]|hev[cxms]|mif1|msf1|miaf)$/.test(brand)) return photo("image/heic");
    // Browsers that refuse the type of a MOV play it as an MP4.
    if (brand === "qt  ")
      return video(
        document.createElement("video").canPlayType("video/quicktime") === "" ? "video/mp4" : "video/quicktime",
      );
    return /^M4[AB] $/.test(brand) ? sound("audio/mp4") : video("video/mp4");
  }
  return null;
}

/** A whole file as text; `null`: it is not UTF-8 text. */
export function asText(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/** A file name for a file of this type that has none. */
export function defaultName(type: string): string {
  const names: Record<string, string> = {
    "image/jpeg": "photo.jpg",
    "image/png": "photo.png",
    "image/gif": "photo.gif",
    "image/webp": "photo.webp",
    "image/avif": "photo.avif",
    "image/heic": "photo.heic",
    "image/heif": "photo.heic",
    "video/mp4": "video.mp4",
    "video/quicktime": "video.mov",
    "video/webm": "video.webm",
    "text/plain": "text.txt",
  };
  return names[type] ?? "file";
}
