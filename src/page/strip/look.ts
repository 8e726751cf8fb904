// Photos and videos without what their pixels and sounds don't need: location, time, camera, thumbnails, comments. The
// same rules as the program's (src/media/strip): tests compare the bytes.
//
// Nothing is decoded and nothing is written anew. A file is looked through once, piece by piece, and what is found
// becomes a list of edits. Each container has a file of its own with the list of the pieces that a decoder needs: those
// stay, with orientation and color profile, and everything else goes, unknown pieces too. A file that cannot be
// followed to its end is not reported as clean.

import { HEAD_LEN } from "../media.ts";
import { beginsWith, scanBoxes } from "./bmff/file.ts";
import { latin1 } from "./bytes.ts";
import { type Format, withMetadata } from "./formats.ts";
import { scanGif } from "./gif.ts";
import { scanJpeg } from "./jpeg.ts";
import { typeOfFile } from "./kinds.ts";
import { scanPng } from "./png.ts";
import type { Removed } from "./removed.ts";
import { Damaged, Scan } from "./scan.ts";
import { scanWebp } from "./webp.ts";

export { FIELDS, type Field, type Removed, together } from "./removed.ts";
export type { Format } from "./formats.ts";

/** The outcome for the metadata of one file. */
export type Verdict =
  /** It is of no format that is known to hold metadata: plain text, for example. */
  | { readonly kind: "innocent" }
  /** `content` is sent: made of slices of the file. */
  | { readonly kind: "cleaned"; readonly content: Blob; readonly removed: Removed }
  /**
   * It is sent as it is, and may hold the metadata of its format. Either its kind is not one that can be cleaned, or it
   * is damaged or built in an unusual way: `detail` is the reason in English, as the program prints it.
   */
  | { readonly kind: "unclean"; readonly why: Why; readonly detail: string; readonly format: Format };

export type Why = "unknown" | "damaged";

/** A file that was looked through. */
export interface Looked {
  /** The media type for the manifest, as `share send` writes it. */
  readonly type: string;
  readonly verdict: Verdict;
}

/** The reason for a container that is not known here. */
const UNKNOWN = "this kind of file cannot be cleaned";

/**
 * Looks through a file with this name, in constant memory. Rejects when the file cannot be read, with the browser's
 * `DOMException`, and with the reason of `signal`.
 */
export async function look(file: Blob, name: string | null, signal?: AbortSignal): Promise<Looked> {
  const scan = new Scan(file, signal);
  const head = await scan.peek(0, HEAD_LEN);
  try {
    if (await isClean(scan)) {
      const content = await scan.edits.made(file, signal);
      const verdict = { kind: "cleaned", content, removed: scan.removed.settled } as const;
      return { type: await typeOfFile(content), verdict };
    }
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
    return { type: await typeOfFile(file), verdict: unclean(head, name, "damaged", error.message) };
  }
  return { type: await typeOfFile(file), verdict: unclean(head, name, "unknown", UNKNOWN) };
}

function unclean(head: Uint8Array, name: string | null, why: Why, detail: string): Verdict {
  const format = withMetadata(head, name);
  return format === null ? { kind: "innocent" } : { kind: "unclean", why, detail, format };
}

/** Finds the changes that clean a file. `false`: its container is not known here. */
async function isClean(scan: Scan): Promise<boolean> {
  const head = latin1(await scan.peek(0, 12));
  if (head.startsWith("\xff\xd8\xff")) await scanJpeg(scan);
  else if (head.startsWith("\x89PNG\r\n\x1a\n")) await scanPng(scan);
  else if (head.startsWith("GIF8")) await scanGif(scan);
  else if (/^RIFF[^]{4}WEBP/.test(head)) await scanWebp(scan);
  // A raw photo of Canon's keeps what it has in boxes of its own.
  else if (head.length < 12 || head.startsWith("ftypcrx", 4) || !beginsWith(head.slice(4, 8))) return false;
  else await scanBoxes(scan);
  if (scan.edits.areTooMany) throw new Damaged("the file has too many pieces");
  if (!scan.edits.settle()) throw new Damaged("pieces of the file overlap");
  return true;
}
