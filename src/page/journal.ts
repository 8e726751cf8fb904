// The journal of openings, until the relay has confirmed that they are finished. The tab's storage has everything that
// a reload needs. The browser's storage has what another tab needs besides the link, until the lease ends: never the
// link's secret, the passphrase or anything derived from it.

import { base64urlnopad } from "@scure/base";
import { bytesOf } from "./relay.ts";

/** An opening that has started, for a reload of this tab. */
export interface Opening {
  readonly stage: "opening";
  readonly fragment: string;
  /** The stretched passphrase, and not the passphrase itself. */
  readonly stretched: Uint8Array;
  readonly claimToken: Uint8Array;
  /** The digest of the manifest that was shown before the claim. */
  readonly shown: Uint8Array;
}

/** An opening that has started, for another tab that has the link. */
export interface Begun {
  readonly stage: "begun";
  readonly claimToken: Uint8Array;
  readonly shown: Uint8Array;
  /** Unix seconds of this browser's clock. */
  readonly until: number;
}

/** An opening that the user closed and the relay may not have confirmed. */
export interface Closing {
  readonly stage: "closing";
  readonly id: Uint8Array;
  readonly claimToken: Uint8Array;
  readonly receipt: Uint8Array;
  /** Whether the relay keeps the share for an hour after its end. */
  readonly isHeld: boolean;
  /** Unix seconds of this browser's clock. */
  readonly until: number;
}

/** A share that can be reported, with an entry of its own. Only the operator can decrypt the keys. */
export interface Reportable {
  readonly stage: "reportable";
  readonly id: Uint8Array;
  readonly claimToken: Uint8Array;
  readonly keys: Uint8Array;
  /** The age recipient of the operator. */
  readonly recipient: string;
  /** How to reach the operator. */
  readonly contact: string;
  /** Unix seconds of this browser's clock. */
  readonly until: number;
}

type Kept = Opening | Begun | Closing | Reportable;

const PREFIX = "share.v1.";

/** The storage key of a share. */
export const nameOf = (id: Uint8Array) => PREFIX + base64urlnopad.encode(id);
const reportOf = (id: Uint8Array) => `${nameOf(id)}.report`;

/** Unix seconds. */
export const now = () => Math.floor(Date.now() / 1000);

/** The tab's storage and the browser's, as far as this browser allows them. */
function stores(): Storage[] {
  return [() => sessionStorage, () => localStorage].flatMap((store) => {
    try {
      return [store()];
    } catch {
      return [];
    }
  });
}

/** Whether the tab's storage works: some settings disable it. */
export function works(): boolean {
  try {
    sessionStorage.setItem(`${PREFIX}trial`, "1");
    sessionStorage.removeItem(`${PREFIX}trial`);
    return true;
  } catch {
    return false;
  }
}

/** Saves the stage of a share for this tab, for every tab of this browser, or for both. */
export function keep(id: Uint8Array, what: Kept): void {
  const plain = Object.entries(what).map(([key, value]) => [
    key,
    value instanceof Uint8Array ? base64urlnopad.encode(value) : String(value),
  ]);
  const text = JSON.stringify(Object.fromEntries(plain));
  const write = (store: () => Storage) => {
    try {
      store().setItem(what.stage === "reportable" ? reportOf(id) : nameOf(id), text);
    } catch {
      // The page showed a warning if the tab's storage is disabled. Without the browser's storage only this tab can
      // resume.
    }
  };
  if (what.stage === "opening" || what.stage === "closing") write(() => sessionStorage);
  if (what.stage !== "opening") write(() => localStorage);
}

/** Deletes the journal of a share, which may still be reported. */
export function forget(id: Uint8Array): void {
  for (const store of stores()) store.removeItem(nameOf(id));
}

/** Deletes the entry for a report. */
export function forgetReport(id: Uint8Array): void {
  for (const store of stores()) store.removeItem(reportOf(id));
}

/** The opening that this tab can resume or must finish. `closing` wins: some browsers lose a tab's last write. */
export function remembered(id: Uint8Array): Opening | Closing | null {
  const found = stores().map((store) => read(store.getItem(nameOf(id))));
  return found.find((each) => each?.stage === "closing") ?? found.find((each) => each?.stage === "opening") ?? null;
}

/** The opening that another tab began and this tab, which has the link, can resume. */
export function begun(id: Uint8Array): Begun | null {
  const found = stores().map((store) => read(store.getItem(nameOf(id))));
  return found.find((each) => each?.stage === "begun") ?? null;
}

/** The entry for a report of a share that this browser has opened. */
export function reportable(id: Uint8Array): Reportable | null {
  const found = stores().map((store) => read(store.getItem(reportOf(id))));
  return found.find((each) => each?.stage === "reportable") ?? null;
}

/** Whether a name is that of a share which no tab of this browser can resume. */
export function isStale(name: string): boolean {
  const found = stores().map((store) => read(store.getItem(name)));
  return name.startsWith(PREFIX) && !found.some((each) => each?.stage === "begun" && each.until > now());
}

/** Deletes expired entries. Returns the openings that the relay has not confirmed as finished. */
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
        return {
          ...{ stage, id: bytes("id"), claimToken, receipt: bytes("receipt") },
          ...{ isHeld: rest.isHeld === "true", until: end },
        };
      case "reportable": {
        const { recipient = "", contact = "" } = rest;
        return { stage, id: bytes("id"), claimToken, keys: bytes("keys"), recipient, contact, until: end };
      }
    }
  } catch {
    // Not an entry of this page.
  }
  return null;
}
