// What this tab remembers of an opening until the relay was told that it is over: so that a reload, or a tab that the
// phone has put to sleep, goes on. Nothing is kept beyond the tab, and nothing after the end.

import { base64urlnopad } from "@scure/base";
import { bytesOf } from "./relay.ts";

/** An opening that has begun. */
export interface Opening {
  readonly stage: "opening";
  readonly fragment: string;
  /** What the passphrase was stretched to: not the passphrase. */
  readonly stretched: Uint8Array;
  readonly claimToken: Uint8Array;
}

/** An opening that is over, as far as the person is concerned: the relay has not been told yet. */
export interface Closing {
  readonly stage: "closing";
  readonly id: Uint8Array;
  readonly claimToken: Uint8Array;
  readonly receipt: Uint8Array;
}

const PREFIX = "share.v1.";
const keyOf = (id: Uint8Array) => PREFIX + base64urlnopad.encode(id);

/** Whether the tab remembers anything at all: some settings forbid it. */
export function works(): boolean {
  try {
    sessionStorage.setItem(`${PREFIX}trial`, "1");
    sessionStorage.removeItem(`${PREFIX}trial`);
    return true;
  } catch {
    return false;
  }
}

/** Remembers how far a share has come. */
export function keep(id: Uint8Array, what: Opening | Closing): void {
  const plain = Object.entries(what).map(([key, value]) => [
    key,
    value instanceof Uint8Array ? base64urlnopad.encode(value) : (value as string),
  ]);
  try {
    sessionStorage.setItem(keyOf(id), JSON.stringify(Object.fromEntries(plain)));
  } catch {
    // The person was told before that this tab remembers nothing.
  }
}

/** Forgets a share. */
export function forget(id: Uint8Array): void {
  try {
    sessionStorage.removeItem(keyOf(id));
  } catch {
    // There was nothing to forget.
  }
}

/** What is remembered of the share `id`. */
export function remembered(id: Uint8Array): Opening | Closing | null {
  try {
    return read(sessionStorage.getItem(keyOf(id)));
  } catch {
    return null;
  }
}

/** All openings of which the relay was not told that they are over. */
export function untold(): Closing[] {
  try {
    const names = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
    return names.flatMap((name) => {
      const found = read(sessionStorage.getItem(name));
      return found?.stage === "closing" ? [found] : [];
    });
  } catch {
    return [];
  }
}

function read(text: string | null): Opening | Closing | null {
  if (text === null) return null;
  const { stage, fragment, ...rest } = JSON.parse(text) as Record<string, string>;
  const bytes = (name: string) => bytesOf(rest[name] ?? "") ?? new Uint8Array();
  const claimToken = bytes("claimToken");
  return stage === "opening"
    ? { stage, fragment: fragment!, stretched: bytes("stretched"), claimToken }
    : { stage: "closing", id: bytes("id"), claimToken, receipt: bytes("receipt") };
}
