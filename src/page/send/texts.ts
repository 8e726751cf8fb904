// The words of the page that sends: its own, and those of the page that opens. The build merges both tables.

import type shared from "../languages/en.json";
import type own from "../languages/send/en.json";
import * as texts from "../texts.ts";
import type { Message, Values } from "../texts.ts";

type Table = typeof shared & typeof own;
type Keys<Value> = { [Key in keyof Table]: Table[Key] extends Value ? Key : never }[keyof Table];
/** Keys of a heading with its paragraphs. */
export type MessageKey = Keys<readonly unknown[]>;
/** Keys of a text or a plural. */
export type TextKey = Exclude<keyof Table, MessageKey>;

/** The text of a key. */
export const words = texts.words as (key: TextKey, values?: Values) => string;

/** The heading and the paragraphs of a key, followed by more of them. */
export const message = texts.message as (key: MessageKey, values?: Values, ...more: string[]) => Message;

export { size, time } from "../texts.ts";

/** A length of time in seconds, as the largest unit of which it is a whole number: `14 days`. */
export function duration(seconds: number): string {
  const units: [Intl.NumberFormatOptions["unit"], number][] = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  const [unit, length] = units.find(([, length]) => seconds % length === 0) ?? ["minute", 60];
  const count = Math.floor(seconds / length);
  return new Intl.NumberFormat(texts.tag(), { style: "unit", unit: unit!, unitDisplay: "long" }).format(count);
}

/** Words as an enumeration: `location, time and camera data`. */
export function listed(parts: readonly string[]): string {
  return new Intl.ListFormat(texts.tag(), { type: "conjunction" }).format(parts);
}
