// Texts and names that a stranger chose, fit to be shown and to be names of files.

/** Characters that do not show as themselves: controls, format characters, private use, and blanks that look like nothing. */
const UNPLAIN = String.raw`[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\uffa0\ufff0-\ufffb\ufffe\uffff\u{e0000}-\u{e0fff}\u{f0000}-\u{10ffff}]`;
/** A mark that shows. */
const MARK = String.raw`[^\P{M}\u034f\u17b4\u17b5\u180b-\u180f\u{e0100}-\u{e01ef}]`;
/** A letter of a script that joins its letters. */
const JOINING = String.raw`(?=\p{L})[${["Arabic", "Syriac", "Nko", "Mandaic", "Mongolian", "Phags_Pa", "Manichaean", "Psalter_Pahlavi", "Adlam", "Hanifi_Rohingya"].map((script) => `\\p{Script=${script}}`).join("")}]`;
const MONGOLIAN = String.raw`(?=\p{L})\p{Script=Mongolian}`;
/** Signs that take a consonant's vowel away: canonical combining class 9 in Unicode's `UnicodeData.txt` (14.0). */
const VIRAMA = String.raw`[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0e3a\u0eba\u0f84\u1039\u103a\u1714\u1715\u1734\u17d2\u1a60\u1b44\u1baa\u1bab\u1bf2\u1bf3\u2d7f\ua806\ua82c\ua8c4\ua953\ua9c0\uaaf6\uabed\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}]`;
/**
 * Sequences with characters that show only in company. The same as in `safe_text.rs` of the program, which has the reasons:
 * joiners in Persian and Indic words, variants of Han and Mongolian letters, flags of countries in a country, emoji.
 */
const COMPANY = [
  String.raw`${JOINING}${MARK}*\u200c(?=${MARK}*${JOINING})`,
  String.raw`\p{L}${MARK}*${VIRAMA}[\u200c\u200d]`,
  String.raw`\p{L}${MARK}*[\u200c\u200d](?=${VIRAMA})`,
  String.raw`${JOINING}${MARK}*\u200d(?!${MARK}*${JOINING})`,
  String.raw`(?=\p{L})\p{Script=Han}[\u{e0100}-\u{e01ef}]`,
  String.raw`${MONGOLIAN}[\u180b-\u180d\u180f]?(?:\u180e(?=${MONGOLIAN}))?`,
  String.raw`\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{3,6}\u{e007f}`,
  String.raw`\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?\u200d(?=\p{Extended_Pictographic})`,
].join("|");
const TOLD_APART = new RegExp(`(${COMPANY})|${UNPLAIN}`, "gu");

/** `text`, with `other` in the place of each character that does not show as itself. */
function plain(text: string, other: string): string {
  return text.replace(TOLD_APART, (_, company?: string) => company ?? other);
}

/** A stranger's text, fit to be shown. */
export function printable(text: string): string {
  return plain(text, "\ufffd");
}

/** The longest name, in characters. */
const MAX_NAME = 120;

/** A single file name, made from one that a stranger chose. `fallback` is the name of the nameless. */
export function safeName(name: string | null, fallback: string): string {
  const last = (name ?? "").split(/[/\\]/).pop()!;
  const clean = plain(last, "_").replace(/[<>:"|?*]/g, "_").replace(/[\s.]+$/u, "").replace(/^[\s.-]+/u, "");
  if (/^_*$/.test(clean)) return fallback;
  const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)/i.test(clean);
  const whole = device ? `_${clean}` : clean;
  const letters = [...whole];
  if (letters.length <= MAX_NAME) return whole;
  const extension = /\.[^.]{1,15}$/u.exec(whole)?.[0] ?? "";
  // Truncation may have split a sequence.
  return plain(letters.slice(0, MAX_NAME - [...extension].length).join(""), "_").replace(/[\s.]+$/u, "") + extension;
}
