// Text and file names that a stranger chose, made safe to show and to save. The rules and the table of characters are
// those of the program (src/safe_text.rs, which has the reasons); tests compare both over all of Unicode.

import table from "./characters.txt";

/** A class of the table, for use between the brackets of a regular expression. */
function classOf(name: string): string {
  const [, listed] = new RegExp(`^${name}:\n((?: .*\n)+)`, "m").exec(table)!;
  return listed!
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[0-9a-f]+/g, String.raw`\u{$&}`)
    .replaceAll(" ", "");
}

/** A character that, by itself, is invisible, moves the cursor or reorders other text. */
export const HIDDEN = `[${classOf("hidden")}]`;
const LETTER = `[${classOf("letter")}]`;
const JOINING = `[${classOf("joining")}]`;
const MARKS = `[${classOf("mark")}]*`;
const VIRAMA = `[${classOf("virama")}]`;
const HAN = `[${classOf("han")}]`;
const MONGOLIAN = `[${classOf("mongolian")}]`;
const PICTOGRAPH = `[${classOf("pictograph")}]`;
/** Sequences whose hidden characters belong to them: words with joiners, variants of letters, flags, emoji families. */
const SEQUENCES = [
  String.raw`${JOINING}${MARKS}\u200c(?=${MARKS}${JOINING})`,
  String.raw`${JOINING}${MARKS}\u200d(?!${MARKS}${JOINING})`,
  String.raw`${LETTER}${MARKS}${VIRAMA}[\u200c\u200d]`,
  String.raw`${LETTER}${MARKS}[\u200c\u200d](?=${VIRAMA})`,
  String.raw`${MONGOLIAN}[\u180b-\u180d\u180f]?(?:\u180e(?=${MONGOLIAN}))?`,
  String.raw`${HAN}[\u{e0100}-\u{e01ef}]`,
  String.raw`\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,6}\u{e007f}`,
  String.raw`${PICTOGRAPH}[\ufe0f\u{1f3fb}-\u{1f3ff}]?\u200d(?=${PICTOGRAPH})`,
];
const SEQUENCE_OR_HIDDEN = new RegExp(`(${SEQUENCES.join("|")})|${HIDDEN}`, "gu");

/** `text`, with `other` in place of each character that is hidden where it stands. */
function plain(text: string, other: string): string {
  return text.replace(SEQUENCE_OR_HIDDEN, (_, sequence?: string) => sequence ?? other);
}

/** A stranger's text, safe to show. */
export function printable(text: string): string {
  return plain(text, "\ufffd");
}

/** Whether a text shows nothing at all. */
export function isBlank(text: string): boolean {
  return new RegExp(String.raw`^(?:\s|${HIDDEN})*$`, "u").test(text);
}

/** The longest file name, in bytes. */
const MAX_NAME = 200;
/** The longest extension that survives when a name is cut, in bytes, with its period. */
const MAX_EXTENSION = 16;

const byteLength = (text: string) => new TextEncoder().encode(text).length;

/** A single file name, from one that a stranger chose. `fallback` replaces a missing or empty one. */
export function safeName(name: string | null, fallback: string): string {
  const last = (name ?? "").split(/[/\\]/).pop()!;
  const clean = plain(last, "_")
    .replace(/[<>:"|?*]/g, "_")
    .replace(/[\s.]+$/u, "")
    .replace(/^[\s.-]+/u, "");
  if (/^_*$/.test(clean)) return fallback;
  const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i.test(clean);
  return shortened(device ? `_${clean}` : clean);
}

/** Cuts a name to its longest length, with its extension. */
function shortened(name: string): string {
  if (byteLength(name) <= MAX_NAME) return name;
  const period = name.lastIndexOf(".");
  const isShort = period > 0 && byteLength(name.slice(period)) <= MAX_EXTENSION;
  const [stem, extension] = isShort ? [name.slice(0, period), name.slice(period)] : [name, ""];
  let room = MAX_NAME - byteLength(extension);
  let cut = "";
  for (const letter of stem) {
    room -= byteLength(letter);
    if (room < 0) break;
    cut += letter;
  }
  // The cut may have split a sequence.
  return plain(cut, "_").replace(/[\s.]+$/u, "") + extension;
}
