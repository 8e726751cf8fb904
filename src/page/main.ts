// The page: from a link in the address bar to the end of the opening.

import { commandLine, linkError, pause, redrawable, showMessage } from "./dom.ts";
import { askPassphrase, greet } from "./greeting.ts";
import type { Begun, Closing, Opening } from "./journal.ts";
import * as journal from "./journal.ts";
import { land } from "./landing.ts";
import { settled } from "./language.ts";
import { type Link, type LinkError, NEEDS_PASSPHRASE, readLink } from "./link.ts";
import { close, closes, finish, open, opening } from "./opening.ts";
import { type Root, rootOf } from "./secret.ts";
import { alone, hideLink, page, stateOf } from "./state.ts";
import { reportable, reportButton } from "./reporting.ts";
import * as parts from "./stored.ts";
import { message, time } from "./texts.ts";

async function begin(): Promise<void> {
  for (const closing of journal.unfinished())
    void finish(closing).then(
      () => journal.forget(closing.id),
      () => {},
    );
  void parts.sweep();
  const fragment = location.hash.slice(1);
  const link = fragment === "" ? null : readLink(fragment);
  if (link === null || !("payload" in link)) {
    await settled();
    return link === null ? beginWithoutKey() : broken(link);
  }
  const root = rootOf(link);
  const mine = reportable(root.id);
  // So that the relay's answer shows that it was opened here.
  if (mine !== null) page.claimed = mine;
  const isNew = journal.remembered(root.id) === null && journal.begun(root.id) === null;
  // While the language loads, the relay is asked for a new share.
  if (!isNew) await settled();
  const known = journal.remembered(root.id);
  if (known !== null) return resume(known, root.id);
  const begun = journal.begun(root.id);
  if (begun !== null) return void alone(root.id, () => resumeHere(link, root, begun));
  void greet(link, root);
}

/** An address without a key: the reload of an opening, the relay's bare address, or a link that lost its end. */
function beginWithoutKey(): void {
  const { id, closed } = stateOf(history.state);
  const known = id && journal.remembered(id);
  if (known) return resume(known, id);
  const begun = id && journal.begun(id);
  if (begun) {
    return redrawable(() => showMessage(message("tab.key_elsewhere", { until: time(begun.until) })));
  }
  const report = () => id && reportButton(id);
  if (closed > 0) return redrawable(() => showMessage(message("closed.before", { at: time(closed) }), report()));
  // A program on the way may have spelled the # as %23, which starts no fragment.
  const exposed = /share1[0-9a-z]{20}/i.test(location.pathname + location.search);
  if (exposed) history.replaceState(null, "", new URL(".", location.href).href);
  if (!exposed && id === null) return land();
  redrawable(() => showMessage(message(exposed ? "link.exposed" : "link.no-key"), report()));
}

/** A fragment that is not a link. A newer program may understand one that this page does not. */
function broken(error: LinkError): void {
  redrawable(() => showMessage(linkError(error), error.why === "too-new" ? commandLine() : null));
}

function resume(known: Opening | Closing, id: Uint8Array): void {
  hideLink(id);
  if (known.stage === "closing") return void close(known);
  const link = readLink(known.fragment);
  if (!("payload" in link)) return broken(link);
  void alone(id, () => {
    // The tab that held it may have closed it in the meantime.
    const still = journal.remembered(id);
    if (still?.stage === "closing") void close(still);
    else void opening(link, known, true);
  });
}

/** Resumes an opening that another tab of this browser began, with the link from this tab. */
function resumeHere(link: Link, root: Root, begun: Begun): void {
  page.claimed = { id: root.id, claimToken: begun.claimToken };
  // The tab that held it may have closed it in the meantime: start over, and the relay answers.
  if (journal.begun(root.id) === null) void begin();
  else if ((link.flags & NEEDS_PASSPHRASE) !== 0) askPassphrase(link, begun);
  else open(link, root.id, new Uint8Array(32), begun, true);
}

// ---- Events of the page

/** Whether this browser has the interfaces that the page needs. */
function isSupported(): boolean {
  const needed = ["ReadableStream", "TransformStream", "TextDecoder", "BigInt", "AbortController", "Blob", "fetch"];
  return (
    needed.every((name) => name in globalThis) &&
    "timeout" in AbortSignal &&
    "getRandomValues" in (globalThis.crypto ?? {})
  );
}

function start(): void {
  if (document.visibilityState === "hidden") {
    document.addEventListener("visibilitychange", start, { once: true });
    return;
  }
  void settled();
  void begin();
}

// Another link in this tab starts the page again; so does a page that comes back from the browser's back/forward cache.
addEventListener("hashchange", () => {
  const shown = history.state as unknown;
  location.reload();
  // If the browser asks and the user stays, the new link's key leaves the address bar too.
  if (page.busy !== null) setTimeout(() => history.replaceState(shown, "", location.origin + location.pathname), 1000);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Another tab of this browser began to open the share that waits here.
addEventListener("storage", ({ key, newValue }) => {
  if (page.waiting === null || key !== page.waiting || newValue === null) return;
  page.waiting = null;
  void begin();
});

addEventListener("beforeunload", (event) => {
  if (page.busy === null) return;
  event.preventDefault();
  // Older browsers ask only if this is set.
  event.returnValue = true;
});

// Leaving the page closes the share if every file was seen. If not, this tab can resume.
addEventListener("pagehide", () => {
  if (page.busy === null || page.busy === "opening") return;
  const { showing, closing } = page.busy;
  const done = showing.done();
  showing.end();
  page.busy = null;
  if (!done) return;
  // The request comes first: a browser that loads the next page in another process may stop this one at any moment.
  void finish(closing).catch(() => {});
  // The note stays until the lease ends, so that a later visit shows that it was closed here.
  closes(closing);
});

// A hidden page is covered: a phone's list of open apps shows a picture of each.
document.addEventListener("visibilitychange", () => {
  document.body.classList.toggle("covered", document.hidden);
  if (document.hidden) pause();
});

// A page that waits, such as in a hidden tab, is no page that did not arrive.
document.querySelector(".late")!.remove();
if (!isSupported())
  void settled().then(() => redrawable(() => showMessage(message("failed.old_browser"), commandLine())));
else if ("prerendering" in document && document.prerendering)
  document.addEventListener("prerenderingchange", start, { once: true });
else start();
