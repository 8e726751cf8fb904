// The opener's two words. Their list is one of the page's other files: it is loaded once a share was claimed.

import { load, soon } from "./files.ts";

/** The entry of `FILES` with the words. */
const LIST = "words";

let list: Promise<readonly string[]> | null = null;

/** Loads the list of words once. A list that did not arrive is loaded again by the next call. */
export function wordlist(): Promise<readonly string[]> {
  if (list === null) {
    list = load(LIST).then(unpacked);
    list.catch(() => (list = null));
  }
  return list;
}

/** Reads the list as the build packs it (settings.mjs). */
function unpacked(bytes: Uint8Array): string[] {
  const packed = JSON.parse(new TextDecoder().decode(bytes)) as string;
  const words: string[] = [];
  for (const [, shared, rest] of packed.matchAll(/(\d)(\D+)/g))
    words.push((words.at(-1) ?? "").slice(0, Number(shared)) + rest);
  return words;
}

/** The two words of a claimant, from its first 22 bits; `null` without the list, or if it is late. */
export async function openersWords(claimant: Uint8Array): Promise<string | null> {
  const words = await soon(wordlist());
  const bits = ((claimant[0]! << 16) | (claimant[1]! << 8) | claimant[2]!) >> 2;
  return words && `${words[bits >> 11]!} ${words[bits & 0x7ff]!}`;
}
