// The page: what happens from a link in the address bar to "gone".

import { commandLine, showMessage } from "./dom.ts";
import { askPassphrase, greet } from "./greeting.ts";
import type { Begun, Closing, Opening } from "./journal.ts";
import * as journal from "./journal.ts";
import { type Link, NEEDS_PASSPHRASE, readLink } from "./link.ts";
import { close, finish, open, opening } from "./opening.ts";
import { type Root, rootOf } from "./secret.ts";
import { alone, hideLink, page, stateOf } from "./state.ts";
import * as texts from "./texts.ts";

function begin(): void {
  for (const closing of journal.unfinished()) void finish(closing).then(() => journal.forget(closing.id), () => {});
  const fragment = location.hash.slice(1);
  if (fragment === "") return beginWithoutKey();
  const link = readLink(fragment);
  if (!("payload" in link)) return showMessage(texts.linkError(link), commandLine());
  const root = rootOf(link);
  const known = journal.remembered(root.id);
  if (known !== null) return resume(known, root.id);
  const begun = journal.begun(root.id);
  if (begun !== null) return void alone(root.id, () => resumeHere(link, root, begun));
  void greet(link, root);
}

/** An address without a key: a reload of an opening that has begun or ended, or a link that has lost its end. */
function beginWithoutKey(): void {
  const { id, closed } = stateOf(history.state);
  const known = id && journal.remembered(id);
  if (known) return resume(known, id);
  const begun = id && journal.begun(id);
  if (begun) return showMessage(texts.keyElsewhere(texts.time(begun.until)));
  if (closed > 0) return showMessage(texts.closed.before(texts.time(closed)));
  // A # that was spelt %23 on its way is no # any more.
  const exposed = /share1[0-9a-z]{20}/i.test(location.pathname + location.search);
  if (exposed) history.replaceState(null, "", new URL(".", location.href).href);
  showMessage(texts.linkError({ why: exposed ? "exposed" : "no-key" }), commandLine());
}

function resume(known: Opening | Closing, id: Uint8Array): void {
  hideLink(id);
  if (known.stage === "closing") return void close(known);
  const link = readLink(known.fragment);
  if (!("payload" in link)) return showMessage(texts.linkError(link), commandLine());
  void alone(id, () => {
    // The tab that had it may have closed it meanwhile.
    const still = journal.remembered(id);
    if (still?.stage === "closing") void close(still);
    else void opening(link, known);
  });
}

/** Resumes what another tab of this browser began, with the link that was opened here. */
function resumeHere(link: Link, root: Root, begun: Begun): void {
  page.claimed = { id: root.id, claimToken: begun.claimToken };
  // The tab that had it may have closed it meanwhile: then the relay knows best.
  if (journal.begun(root.id) === null) begin();
  else if ((link.flags & NEEDS_PASSPHRASE) !== 0) askPassphrase(link, begun);
  else open(link, root.id, new Uint8Array(32), begun);
}

// ---- The page's own life

/** Whether this browser can do what must be done. */
function isSupported(): boolean {
  const needed = ["ReadableStream", "TransformStream", "TextDecoder", "BigInt", "AbortController", "Blob", "fetch"];
  return needed.every((name) => name in globalThis) && "timeout" in AbortSignal && "getRandomValues" in (globalThis.crypto ?? {});
}

function start(): void {
  if (document.visibilityState === "hidden") {
    document.addEventListener("visibilitychange", start, { once: true });
    return;
  }
  begin();
}

// Another link in this tab is another beginning; and so is a page that the browser had put aside.
addEventListener("hashchange", () => {
  const shown = history.state as unknown;
  location.reload();
  // The address bar holds no key either, if the person is asked and stays.
  if (page.busy !== null) setTimeout(() => history.replaceState(shown, "", location.origin + location.pathname), 1000);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Another tab of this browser begins to open what waits here.
addEventListener("storage", ({ key, newValue }) => {
  if (page.waiting === null || key !== page.waiting || newValue === null) return;
  page.waiting = null;
  begin();
});

addEventListener("beforeunload", (event) => {
  if (page.busy === null) return;
  event.preventDefault();
  // Older browsers ask only where this is set.
  event.returnValue = true;
});

// Leaving is closing, where all was seen. Where not, this tab can come back to it.
addEventListener("pagehide", () => {
  if (page.busy === null || page.busy === "opening") return;
  const { showing, closing } = page.busy;
  const done = showing.done();
  showing.end();
  page.busy = null;
  if (!done) return;
  // The request comes first: a browser that changes its process for the next page may stop this one at any moment.
  void finish(closing).catch(() => {});
  // The note stays for a later visit, which shows that it was closed here; or until its time is over.
  journal.keep(closing.id, closing);
});

// Nobody looks: neither should who looks over a shoulder, nor the picture that a phone shows of its open programs.
document.addEventListener("visibilitychange", () => {
  document.body.classList.toggle("covered", document.hidden);
  if (document.hidden) for (const media of document.querySelectorAll<HTMLMediaElement>("video, audio")) media.pause();
});

document.querySelector(".cover")!.textContent = texts.showing.cover;
if (!isSupported()) showMessage(texts.unsupported, commandLine());
else if ("prerendering" in document && document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
else start();
