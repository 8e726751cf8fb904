// State that several parts of the page share, and the address bar.

import { button, redrawable, showMessage } from "./dom.ts";
import * as journal from "./journal.ts";
import * as relay from "./relay.ts";
import * as parts from "./stored.ts";
import * as tabs from "./tabs.ts";
import { message, words } from "./texts.ts";
import type { Showing } from "./viewer.ts";

/** The state of the page. */
interface Page {
  /** The share that is being opened or shown. While it is set, the browser asks before it leaves the page. */
  busy: { readonly showing: Showing; readonly closing: journal.Closing } | "opening" | null;
  /** The journal name of the share that waits here, which another tab may begin to open. */
  waiting: string | null;
  /** The claim token that this page has used, to recognize this browser as the opener. */
  claimed: { readonly id: Uint8Array; readonly claimToken: Uint8Array } | null;
}

export const page: Page = { busy: null, waiting: null, claimed: null };

/** The history's state of this address: the id of its share, and when it was closed in Unix seconds, or 0. */
export function stateOf(state: unknown): { id: Uint8Array | null; closed: number } {
  const { id, closed } = (state ?? {}) as { id?: unknown; closed?: unknown };
  return { id: typeof id === "string" ? relay.bytesOf(id) : null, closed: typeof closed === "number" ? closed : 0 };
}

/** Calls `go` once no other tab of this browser has the share `id` open. */
export async function alone(id: Uint8Array, go: () => void): Promise<void> {
  const name = journal.nameOf(id);
  showMessage(message("loading"));
  if (await tabs.take(name)) return go();
  redrawable(() => showMessage(message("tab.open")));
  await tabs.free(name);
  redrawable(() =>
    showMessage(
      message("tab.gone"),
      button(words("tab.here"), () => void alone(id, go), "main"),
    ),
  );
}

/** Deletes the journal and the stored parts of a share that has ended, and releases it for other tabs. */
export function forget(id: Uint8Array): void {
  journal.forget(id);
  void parts.remove(id);
  tabs.release(journal.nameOf(id));
}

/** The history's state of the share that this page has claimed. */
let current: object | null = null;

// The viewer adds an entry to the history: the one before it gets the present state when it is shown again.
addEventListener("popstate", () => {
  if (current !== null && location.hash === "") history.replaceState(current, "");
});

/**
 * Removes the key from the address bar, and saves the share's id and the time of its closing in the history's state.
 * The browser's history may have stored the key before.
 */
export function hideLink(id: Uint8Array, closed = 0): void {
  current = { id: relay.textOf(id), closed };
  history.replaceState(current, "", location.origin + location.pathname);
}
