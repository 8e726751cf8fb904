// The page's other files, such as a language table: loaded from the page's relay, and used only if they are those that
// this script was built with.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { whole } from "./relay.ts";

/** The longest time until a file begins to arrive. */
const TIME_MS = 20_000;
/** The longest wait for a file before the page is shown without it, in milliseconds. */
const LATE_MS = 3000;

/** Loads the file `name` of `FILES`. Throws if it is unknown, does not arrive, or has other content. */
export async function load(name: string): Promise<Uint8Array> {
  const hash = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (hash === undefined) throw new Error(`no file ${name}`);
  const response = await fetch(new URL(`page/${name}-${hash.slice(0, 16)}.json`, new URL(".", location.href)), {
    cache: "no-store",
    credentials: "same-origin",
    redirect: "error",
    referrerPolicy: "no-referrer",
    signal: AbortSignal.timeout(TIME_MS),
  });
  const bytes = await whole(response);
  if (!response.ok || bytesToHex(sha256(bytes)) !== hash) throw new Error(`another file ${name}`);
  return bytes;
}

/** Waits for a file; `null` if it fails or is late. */
export function soon<T>(file: Promise<T>): Promise<T | null> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), LATE_MS));
  return Promise.race([file.catch(() => null), late]);
}
