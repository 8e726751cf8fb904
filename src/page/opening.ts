// The opening: claim and receive, show, close.

import { button, h, redrawable, type RetryLine, retryLine, showMessage, screen } from "./dom.ts";
import { failed } from "./failure.ts";
import type { Begun, Closing, Opening } from "./journal.ts";
import * as journal from "./journal.ts";
import type { Link } from "./link.ts";
import { claim, type Opened, receive, receiptFor } from "./open.ts";
import { Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import { Backoff } from "./retry.ts";
import { claimantOf, type Keys, keysOf, openersWords } from "./secret.ts";
import { forget, hideLink, page } from "./state.ts";
import { message, percent, size, words } from "./texts.ts";
import { show } from "./viewer.ts";

const HOST = location.host;
/** Attempts of a request before the page shows an error. */
const ATTEMPTS = 4;

/** The longest lease of a claim, in seconds: for so long another tab may resume. */
export const LEASE_S = 24 * 3600;

/** Saves that this browser is opening the share, then opens it. */
export function open(link: Link, id: Uint8Array, stretched: Uint8Array, begun: Begun): void {
  const known: Opening = {
    stage: "opening",
    fragment: link.fragment,
    stretched,
    claimToken: begun.claimToken,
    shown: begun.shown,
  };
  journal.keep(id, known);
  journal.keep(id, begun);
  hideLink(id);
  void opening(link, known);
}

/** Opens a share, or resumes. */
export async function opening(link: Link, known: Opening): Promise<void> {
  const { claimToken, shown } = known;
  const keys = keysOf(link, known.stretched);
  page.claimed = { id: keys.id, claimToken };
  const bar = h("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", words("opening.progress"));
  const figure = h("p", { className: "figure" });
  const { nodes, waits, again } = retryLine(HOST);
  const claiming = new Backoff(waits);
  again(() => claiming.now());
  screen(words("opening.title"), bar, figure, ...nodes, h("p", { className: "note" }, words("opening.stay")));
  page.busy = "opening";
  try {
    const opened = await claiming.until(() => claim(keys, claimToken, shown));
    const until = leaseOf(keys.id, opened.claimed);
    journal.keep(keys.id, { stage: "begun", claimToken, shown, until });
    const all = opened.claimed.blob_len;
    let arrived = 0;
    const moved = (bytes: number) => {
      arrived += bytes;
      bar.value = arrived / all;
      figure.textContent = words("opening.part", { percent: percent(arrived, all), size: size(all) });
    };
    const blobs = await receive(keys, claimToken, opened, waits, moved, again);
    present(keys, claimToken, opened, blobs, until);
  } catch (error) {
    // A share that has ended cannot be resumed. After any other error it can, in this tab.
    if (error instanceof Refusal && !["damaged", "changed", "not-a-relay"].includes(error.why)) {
      page.busy = null;
      forget(keys.id);
    }
    failed(error, () => void opening(link, known), true);
  }
}

/** The end of the lease in Unix seconds of this browser's clock, which may differ from the relay's. */
function leaseOf(id: Uint8Array, { at, until }: relay.Claimed): number {
  const lease = Math.min(Math.max(until - at, 0) || LEASE_S, LEASE_S);
  return Math.min(journal.begun(id)?.until ?? Infinity, journal.now() + lease);
}

/** Shows the files until the user closes them. */
function present(keys: Keys, claimToken: Uint8Array, opened: Opened, blobs: readonly Blob[], until: number): void {
  const closing: Closing = { stage: "closing", id: keys.id, claimToken, receipt: receiptFor(keys, claimToken), until };
  const showing = show(opened.manifest, blobs, opened.claimed.until, () => {
    showing.end();
    page.busy = null;
    journal.keep(keys.id, closing);
    void close(closing);
  });
  page.busy = { showing, closing };
}

/** Finishes the share at the relay, and shows the outcome. */
export async function close(closing: Closing): Promise<void> {
  const line = retryLine(HOST);
  showMessage(message("closed.closing"), ...line.nodes);
  let done = true;
  try {
    await retrying(line, () => finish(closing));
  } catch (error) {
    if (!(error instanceof Refusal) || error.why === "not-a-relay") {
      const again = () => {
        removeEventListener("online", again);
        void close(closing);
      };
      addEventListener("online", again);
      return redrawable(() =>
        showMessage(message("closed.unreported", { host: HOST }), button(words("failed.again"), again, "main")),
      );
    }
    done = false;
  }
  forget(closing.id);
  hideLink(closing.id, journal.now());
  const opener = openersWords(claimantOf(closing.id, closing.claimToken));
  redrawable(() => showMessage(done ? message("closed.done", { opener }) : message("closed.otherwise")));
}

export function finish({ id, claimToken, receipt }: Closing): Promise<void> {
  return relay.finish({ id, token: claimToken }, receipt);
}

/** Repeats a request a few times, and shows the wait on the page. */
export async function retrying<T>({ waits, again }: RetryLine, ask: () => Promise<T>): Promise<T> {
  const asking = new Backoff(waits, ATTEMPTS);
  again(() => asking.now());
  return asking.until(ask);
}
