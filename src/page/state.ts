// The state of the page, of its tab and of its address.

import { button, showMessage } from "./dom.ts";
import * as journal from "./journal.ts";
import * as relay from "./relay.ts";
import * as tabs from "./tabs.ts";
import * as texts from "./texts.ts";
import type { Showing } from "./viewer.ts";

/** The state of the page. */
interface Page {
  /** The share that is being opened or shown: as long as there is one, leaving the page needs a second thought. */
  busy: { readonly showing: Showing; readonly closing: journal.Closing } | "opening" | null;
  /** The name of the share that waits to be opened here, while another tab could begin to open it. */
  waiting: string | null;
  /** The claim token of this browser, as far as this page knows: the opener may turn out to be this browser. */
  claimed: { readonly id: Uint8Array; readonly claimToken: Uint8Array } | null;
}

export const page: Page = { busy: null, waiting: null, claimed: null };

/** The state that the history keeps for this address: its share, and when that was closed, in Unix seconds. */
export function stateOf(state: unknown): { id: Uint8Array | null; closed: number } {
  const { id, closed } = (state ?? {}) as { id?: unknown; closed?: unknown };
  return { id: typeof id === "string" ? relay.bytesOf(id) : null, closed: typeof closed === "number" ? closed : 0 };
}

/** Goes on when no other tab of this browser has the share `id` open. */
export async function alone(id: Uint8Array, go: () => void): Promise<void> {
  const name = journal.nameOf(id);
  showMessage(texts.loading);
  if (await tabs.take(name)) return go();
  showMessage(texts.otherTab.open);
  await tabs.free(name);
  showMessage(texts.otherTab.gone, button(texts.otherTab.here, () => void alone(id, go), "main"));
}

/** Forgets a share that has ended, and lets other tabs find out. */
export function forget(id: Uint8Array): void {
  journal.forget(id);
  tabs.release(journal.nameOf(id));
}

/**
 * Takes the key out of the address bar, and leaves there which share it was for, and when it was closed. The browser's
 * history may have the key all the same.
 */
export function hideLink(id: Uint8Array, closed = 0): void {
  history.replaceState({ id: relay.textOf(id), closed }, "", location.origin + location.pathname);
}
