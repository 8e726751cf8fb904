// The shares that this browser has sent, in its storage: what is needed to ask about them and to revoke them. Never the
// secret of a link, a passphrase, or the name of a file.

import { base64urlnopad } from "@scure/base";
import type { Kind } from "../media.ts";
import { bytesOf } from "../relay.ts";
import * as tabs from "../tabs.ts";
import { random } from "./keys.ts";

/** The state of a share, as its relay describes it. `unknown`: the relay has no such share, or no longer. */
export type Word =
  | "uploading"
  | "waiting"
  | "claimed"
  | "finished"
  | "lapsed"
  | "expired"
  | "revoked"
  | "locked"
  | "aborted"
  | "unknown";

/** The state of a share. */
export interface State {
  readonly word: Word;
  /** Unix seconds of the relay: when it came to this state; `null`: unknown, or a share that waits. */
  readonly at: number | null;
  /** The opener's two words, once it was claimed; `null` without the list of words too. */
  readonly opener: string | null;
  /** Whether the receipt proves that the opener had the link, and the passphrase if it has one. Only if `finished`. */
  readonly isProven: boolean;
  /** Unix seconds: when it expires if nobody opens it. */
  readonly expires: number | null;
  /** Unix seconds: until when a claimed share can be finished. */
  readonly until: number | null;
  /** Different passphrases that were tried. */
  readonly guesses: number;
}

/** A share that was sent, or is being sent. */
export interface Kept {
  readonly id: Uint8Array;
  readonly ownerToken: Uint8Array;
  readonly receiptKey: Uint8Array;
  /** The kind of all files; `file`: they are of several kinds, or can only be saved. */
  readonly kind: Kind | "file";
  /** Number of files. */
  readonly count: number;
  /** Bytes of all files together. */
  readonly size: number;
  readonly recipient: string | null;
  /** Unix seconds of this browser's clock: when it was sent. */
  readonly at: number;
  readonly state: State;
  /** The lock of the tab that uploads it. */
  readonly tab: string;
}

/** The state of a share that is being uploaded. */
export const UPLOADING: State = {
  word: "uploading",
  ...{ at: null, opener: null, isProven: false, expires: null, until: null, guesses: 0 },
};

/** Whether nothing will happen to a share any more. */
export const isOver = ({ word }: State) => !["uploading", "waiting", "claimed"].includes(word);

const PREFIX = "share.sent.v1.";
/** Without locks a frozen tab counts as closed: its uploads are left alone for so long, in seconds. */
const FROZEN_S = 3600;
/** For how long a relay remembers a share that has ended, in seconds. */
const REMEMBERED_S = 30 * 24 * 3600;

const textOf = (bytes: Uint8Array) => base64urlnopad.encode(bytes);
const nameOf = (id: Uint8Array) => PREFIX + textOf(id);
/** Unix seconds. */
const now = () => Math.floor(Date.now() / 1000);

/** The entries of this page in a browser that stores nothing. */
const here = new Map<string, string>();
const listeners = new Set<() => void>();
const tell = () => listeners.forEach((listener) => listener());

/** The browser's storage; `null`: some settings disable it. */
function store(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** Saves a share, before its relay knows of it and whenever its state changes. */
export function keep(kept: Kept): void {
  const { id, ownerToken, receiptKey, ...rest } = kept;
  const bytes = { id: textOf(id), ownerToken: textOf(ownerToken), receiptKey: textOf(receiptKey) };
  const [name, text] = [nameOf(id), JSON.stringify({ ...bytes, ...rest })];
  here.set(name, text);
  const write = () => {
    store()!.setItem(name, text);
    here.delete(name);
  };
  try {
    write();
  } catch {
    // A full storage must not show an older state to other tabs: an upload would be revoked.
    try {
      store()?.removeItem(name);
      write();
    } catch {
      // It is here.
    }
  }
  tell();
}

/**
 * Saves the state of a share as the relay described it, unless it was removed meanwhile. An answer may be late, and
 * that to another tab: only the tab that uploads a share knows when its link exists.
 */
export function note(id: Uint8Array, state: State): void {
  const kept = get(id);
  if (kept === null) return;
  const isRevoked = state.word === "revoked" || state.word === "aborted";
  if (kept.state.word === "uploading" ? !isRevoked : state.word === "uploading") return;
  // The relay forgets how a share has ended.
  if (state.word !== "unknown" || !isOver(kept.state)) keep({ ...kept, state });
}

/** A share of this browser. */
export function get(id: Uint8Array): Kept | null {
  return read(here.get(nameOf(id)) ?? store()?.getItem(nameOf(id)) ?? null);
}

/** All shares, from the last one on. Removes those that the relay has forgotten. */
export function list(): Kept[] {
  const all: Kept[] = [];
  const names = [...here.keys(), ...Object.keys(store() ?? {}).filter((name) => name.startsWith(PREFIX))];
  for (const name of new Set(names)) {
    const kept = read(here.get(name) ?? store()?.getItem(name) ?? null);
    if (kept !== null && endOf(kept) + REMEMBERED_S > now()) all.push(kept);
    else remove(name);
  }
  return all.sort((one, other) => other.at - one.at);
}

/** When a share has ended or will end at the latest, in Unix seconds. */
function endOf({ at, state }: Kept): number {
  return (isOver(state) ? state.at : null) ?? state.expires ?? at;
}

function remove(name: string): void {
  here.delete(name);
  store()?.removeItem(name);
}

/** Removes a share: this browser can neither ask about it nor revoke it any more. */
export function forget(id: Uint8Array): void {
  remove(nameOf(id));
  tell();
}

/** Removes all shares but those that are being uploaded. */
export function forgetAll(): void {
  for (const { id, state } of list()) if (state.word !== "uploading") remove(nameOf(id));
  tell();
}

/** Calls `listener` whenever a share is saved or removed, here or in another tab. Returns a function that ends this. */
export function changes(listener: () => void): () => void {
  const heard = ({ key }: StorageEvent) => {
    if (key === null || key.startsWith(PREFIX)) listener();
  };
  listeners.add(listener);
  addEventListener("storage", heard);
  return () => {
    listeners.delete(listener);
    removeEventListener("storage", heard);
  };
}

function read(text: string | null): Kept | null {
  try {
    const { id, ownerToken, receiptKey, ...rest } = JSON.parse(text ?? "") as Record<string, string>;
    const bytes = (from: string | undefined) => bytesOf(from ?? "") ?? new Uint8Array();
    const kept = { ...rest, id: bytes(id), ownerToken: bytes(ownerToken), receiptKey: bytes(receiptKey) };
    const { state, at, tab } = kept as unknown as Kept;
    const isSound = kept.id.length === 16 && kept.ownerToken.length === 32 && kept.receiptKey.length === 32;
    return isSound && typeof state?.word === "string" && Number.isFinite(at) && typeof tab === "string"
      ? (kept as unknown as Kept)
      : null;
  } catch {
    // Not an entry of this page.
    return null;
  }
}

let lock: string | null = null;

/** The name of this tab's lock. */
export const tab = () => (lock ??= `share.sending.${textOf(random(12))}`);

/** Takes the lock of this tab. Over plain http that takes a second at first: call it when the page opens. */
export const hold = async () => tabs.take(tab());

/** Uploads of tabs that are gone: a browser that crashed, a tab that was closed. */
export async function abandoned(): Promise<Kept[]> {
  const free = new Map<string, boolean>();
  const found: Kept[] = [];
  const isOld = ({ at }: Kept) => "locks" in navigator || at + FROZEN_S < now();
  for (const kept of list().filter((each) => each.state.word === "uploading" && isOld(each))) {
    const { tab } = kept;
    if (tab !== lock && !free.has(tab)) {
      free.set(tab, await tabs.take(tab));
      tabs.release(tab);
    }
    if (free.get(tab)) found.push(kept);
  }
  return found;
}
