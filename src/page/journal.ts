// Openings that have begun, until the relay knows that they are over. The tab's storage holds all that a reload
// needs. The browser's storage holds what another tab needs in addition to the link, for at most the time of the claim:
// never the link's secret, never the passphrase or anything made from it.

import { base64urlnopad } from "@scure/base";
import { bytesOf } from "./relay.ts";

/** An opening that has begun, for a reload of this tab. */
export interface Opening {
  readonly stage: "opening";
  readonly fragment: string;
  /** The stretched passphrase: not the passphrase itself. */
  readonly stretched: Uint8Array;
  readonly claimToken: Uint8Array;
  /** The digest of the manifest that the person saw before the claim. */
  readonly shown: Uint8Array;
}

/** An opening that has begun, for another tab that brings the link. */
export interface Begun {
  readonly stage: "begun";
  readonly claimToken: Uint8Array;
  readonly shown: Uint8Array;
  /** Unix seconds of this browser's clock. */
  readonly until: number;
}

/** An opening that is over, as far as the person is concerned: the relay may not know yet. */
export interface Closing {
  readonly stage: "closing";
  readonly id: Uint8Array;
  readonly claimToken: Uint8Array;
  readonly receipt: Uint8Array;
  /** Unix seconds of this browser's clock. */
  readonly until: number;
}

type Kept = Opening | Begun | Closing;

const PREFIX = "share.v1.";

/** The name under which a share is kept. */
export const nameOf = (id: Uint8Array) => PREFIX + base64urlnopad.encode(id);

/** Unix seconds. */
export const now = () => Math.floor(Date.now() / 1000);

/** The tab's storage and the browser's, without those that this browser refuses. */
function stores(): Storage[] {
  return [() => sessionStorage, () => localStorage].flatMap((store) => {
    try {
      return [store()];
    } catch {
      return [];
    }
  });
}

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

/** Remembers how far a share has come: for this tab, or for every tab of this browser, or both. */
export function keep(id: Uint8Array, what: Kept): void {
  const plain = Object.entries(what).map(([key, value]) => [
    key,
    value instanceof Uint8Array ? base64urlnopad.encode(value) : String(value),
  ]);
  const text = JSON.stringify(Object.fromEntries(plain));
  const write = (store: () => Storage) => {
    try {
      store().setItem(nameOf(id), text);
    } catch {
      // The page warned before that this tab remembers nothing. Without the browser's storage, only this tab
      // resumes.
    }
  };
  if (what.stage !== "begun") write(() => sessionStorage);
  if (what.stage !== "opening") write(() => localStorage);
}

/** Forgets a share. */
export function forget(id: Uint8Array): void {
  for (const store of stores()) store.removeItem(nameOf(id));
}

/**
 * The opening that this tab can resume or must finish. An end wins over a beginning: some browsers lose what a tab writes
 * last.
 */
export function remembered(id: Uint8Array): Opening | Closing | null {
  const found = stores().map((store) => read(store.getItem(nameOf(id))));
  return found.find((each) => each?.stage === "closing") ?? found.find((each) => each?.stage === "opening") ?? null;
}

/** The opening that a tab with the link can resume, although another tab began it. */
export function begun(id: Uint8Array): Begun | null {
  const found = stores().map((store) => read(store.getItem(nameOf(id))));
  return found.find((each) => each?.stage === "begun") ?? null;
}

/** Drops what is over by now. Returns all openings of which the relay does not know that they have ended. */
export function unfinished(): Closing[] {
  const found = new Map<string, Closing>();
  for (const store of stores()) {
    for (const name of Object.keys(store).filter((key) => key.startsWith(PREFIX))) {
      const kept = read(store.getItem(name));
      if (kept === null || (kept.stage !== "opening" && kept.until <= now())) store.removeItem(name);
      else if (kept.stage === "closing") found.set(name, kept);
    }
  }
  return [...found.values()];
}

function read(text: string | null): Kept | null {
  try {
    const { stage, fragment, until, ...rest } = JSON.parse(text ?? "") as Record<string, string>;
    const bytes = (name: string) => bytesOf(rest[name] ?? "") ?? new Uint8Array();
    const [claimToken, shown, end] = [bytes("claimToken"), bytes("shown"), Number(until)];
    if (claimToken.length !== 32) return null;
    switch (stage) {
      case "opening":
        return { stage, fragment: fragment ?? "", stretched: bytes("stretched"), claimToken, shown };
      case "begun":
        return { stage, claimToken, shown, until: end };
      case "closing":
        return { stage, id: bytes("id"), claimToken, receipt: bytes("receipt"), until: end };
    }
  } catch {
    // Something else has written there.
  }
  return null;
}
