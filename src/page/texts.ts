// The words of the page in the reader's language, and its numbers, sizes and times. The words are in languages/*.json;
// the page carries the English ones. A table has three kinds of values: a text with `{placeholders}`, a plural (one
// text per category of Intl.PluralRules, chosen by `count`), and a list of these: a heading and its paragraphs.

import english from "./languages/en.json";

/** The words of one language. */
export type Table = typeof english;
type Keys<Value> = { [Key in keyof Table]: Table[Key] extends Value ? Key : never }[keyof Table];
/** Keys of a text or a plural. */
export type TextKey = Exclude<keyof Table, Keys<readonly unknown[]>>;
/** Keys of a heading with its paragraphs. */
export type MessageKey = Keys<readonly unknown[]>;
/**
 * The values of placeholders. Numbers are written in the reader's digits; `count` chooses the plural. A paragraph with
 * a value that is `null`, unknown, is left out.
 */
export type Values = Readonly<Record<string, string | number | null>>;
type Plural = { readonly other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

/** A heading, and the lines below it. */
export interface Message {
  readonly title: string;
  readonly lines: readonly string[];
}

/** The language of the page. */
interface Language {
  /** BCP 47 tag: how numbers and times are written. */
  readonly tag: string;
  readonly table: Table;
  readonly plurals: Intl.PluralRules;
}

const language = (tag: string, table: Table): Language => ({ tag, table, plurals: new Intl.PluralRules(tag) });
let current = language("en-US", english);

/** Sets the language of all texts from now on. `tag`: BCP 47; its region decides how numbers are written. */
export function speak(tag: string, table: Table): void {
  current = language(tag, table);
}

/** The language of numbers and times: a BCP 47 tag. */
export const tag = () => current.tag;

/** Whether the language is written from right to left. */
export function isRightToLeft(): boolean {
  return current.tag.startsWith("ar");
}

/** The text of a key. */
export function words(key: TextKey, values: Values = {}): string {
  return filled(current.table[key] as string | Plural, values);
}

/** The heading and the paragraphs of a key, followed by more of them. */
export function message(key: MessageKey, values: Values = {}, ...more: string[]): Message {
  const unknown = Object.keys(values).filter((name) => values[name] === null);
  const isWhole = (line: string | Plural) => !unknown.some((name) => JSON.stringify(line).includes(`{${name}}`));
  const [title, ...lines] = current.table[key].filter(isWhole).map((line: string | Plural) => filled(line, values));
  return { title: title!, lines: [...lines, ...more] };
}

function filled(template: string | Plural, values: Values): string {
  const form =
    typeof template === "string"
      ? template
      : (template[current.plurals.select(Number(values.count))] ?? template.other);
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? "";
    if (typeof value === "number") return number(value);
    // Isolated, so that a name in another script does not reorder the sentence (Unicode FSI, PDI). A text of ours with
    // such a name, such as one in parentheses, has the direction of the sentence.
    const isForeign = value !== "" && !value.includes("\u2068");
    return isRightToLeft() && isForeign ? `\u2068${value}\u2069` : value;
  });
}

function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(current.tag, options).format(value);
}

/** A part of a whole, truncated: `45%`. */
export function percent(part: number, whole: number): string {
  return number(Math.floor((100 * part) / Math.max(whole, 1)) / 100, { style: "percent" });
}

/** A size in bytes, truncated: `3.4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return number(bytes, { style: "unit", unit: "byte", unitDisplay: "long" });
  let [tenths, unit] = [Math.floor(bytes / 100), 0];
  for (; tenths >= 10_000; unit++) tenths = Math.floor(tenths / 1000);
  const digits = tenths < 1000 ? 1 : 0;
  return number(digits === 1 ? tenths / 10 : Math.floor(tenths / 10), {
    style: "unit",
    unit: ["kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"][unit]!,
    minimumFractionDigits: digits,
  });
}

/** A time in Unix seconds: `Nov 22 at 14:03`, with the year where it is not that of `now`. */
export function time(at: number, now = Date.now() / 1000): string {
  const [date, today] = [new Date(at * 1000), new Date(now * 1000)];
  const isThisYear = date.getFullYear() === today.getFullYear();
  const year: { year?: "numeric" } = isThisYear ? {} : { year: "numeric" };
  const month = current.table["time.month"] === "long" ? "long" : "short";
  const day = date.toLocaleDateString(current.tag, { day: "numeric", month, ...year });
  const hour = date.toLocaleTimeString(current.tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return words("time", { day, hour });
}

/** A length of time in seconds, truncated: `1:05`. */
export function clock(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  return `${number(minutes)}:${number(rest, { minimumIntegerDigits: 2 })}`;
}

/** An opener's two words in parentheses, behind a word of the sentence; "" without them. */
export function inParentheses(opener: string | null): string {
  return opener === null ? "" : words("opener", { opener });
}

/** A word without differences of case, width, accents and invisible characters, the same in every language. */
function folded(word: string): string {
  // The dot of a Turkish İ is a mark. Upper case equates ß with ss, ı with i, and both small sigmas.
  return word
    .normalize("NFKD")
    .replace(/[\p{Mn}\p{Cf}\s]/gu, "")
    .toLowerCase()
    .toUpperCase();
}

/** Whether a user typed the word that opens: the one of the page's language in either spelling, or the English one. */
export function isWordToOpen(typed: string): boolean {
  const all = [words("hold.word"), words("hold.also"), english["hold.word"]];
  return all.some((word) => folded(word) === folded(typed));
}
