// How this browser can show a file, from its bytes.

import { pictureOf, type Picture } from "./codecs.ts";
import type { Entry } from "./manifest.ts";
import { asText, HEAD_LEN, MAX_TEXT, type Showable, sniff } from "./media.ts";

/** How a file can be shown; for text, the text. */
export interface Judgment {
  readonly showable: Showable | null;
  readonly text: string | null;
  /** The codec of a video's picture. */
  readonly picture: Picture;
}

const NOTHING: Judgment = { showable: null, text: null, picture: null };

/** Judges a file. A file that cannot be read, as in a browser that is out of memory, cannot be shown. */
export function judge(entry: Entry, blob: Blob): Promise<Judgment> {
  return judged(entry, blob).catch(() => NOTHING);
}

async function judged(entry: Entry, blob: Blob): Promise<Judgment> {
  const showable = sniff(new Uint8Array(await blob.slice(0, HEAD_LEN).arrayBuffer()));
  if (showable === null) {
    // Source code and the like have types of their own, so the sender's type must be plain text.
    const maybe = entry.type === "text/plain" && blob.size <= MAX_TEXT;
    return { ...NOTHING, text: maybe ? asText(new Uint8Array(await blob.arrayBuffer())) : null };
  }
  if (!/mp4|quicktime|webm/.test(showable.type)) return { ...NOTHING, showable, picture: "" };
  const picture = await pictureOf(blob, showable.type);
  if (picture === "") return { ...NOTHING, showable, picture };
  // A video container may hold only sound, and a sound container a video.
  const kind = picture === null ? "sound" : "video";
  const container = showable.type.endsWith("webm") ? "webm" : "mp4";
  const type = picture === null ? `audio/${container}` : showable.type.replace("audio/", "video/");
  return { showable: { kind, type }, text: null, picture };
}
