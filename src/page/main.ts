// The page: what happens from a link in the address bar to "gone".

import { type Ability, ability } from "./ability.ts";
import { claimantOf, type Keys, keysOf, openersWords, type Root, rootOf, stretch } from "./keys.ts";
import { kindOf } from "./kind.ts";
import { type Link, NEEDS_PASSPHRASE, readLink } from "./link.ts";
import { type Entry, type Manifest, printable, TooNew } from "./manifest.ts";
import { Patience } from "./patience.ts";
import { APP } from "./place.ts";
import { NotNow, Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import type { Begun, Closing, Opening } from "./session.ts";
import * as session from "./session.ts";
import * as share from "./share.ts";
import { show, type Showing } from "./show.ts";
import * as tabs from "./tabs.ts";
import * as texts from "./texts.ts";
import { button, commandLine, h, live, opener, patience, say, screen, theirs, type Waits } from "./view.ts";

const HOST = location.host;
const PHONE = matchMedia("(pointer: coarse)").matches;
/** The most that a browser can be expected to hold, in bytes. */
const MOST = PHONE ? 256 << 20 : 512 << 20;
/** How many files of an album are named before it is opened. */
const LISTED = 8;
/** What a page tries in vain before it says so. */
const ATTEMPTS = 4;

/** The longest time for which another tab may resume, in seconds: the longest of a claim. */
const LEASE_S = 24 * 3600;

/** What is being opened or shown: as long as there is something, leaving the page has to be thought about. */
let busy: { readonly showing: Showing; readonly closing: Closing } | "opening" | null = null;
/** The name of the share that waits to be opened here, while another tab could begin to open it. */
let waiting: string | null = null;
/** What this browser has claimed with, as far as this page knows: whoever opened it may turn out to be this browser. */
let claimed: { readonly id: Uint8Array; readonly claimToken: Uint8Array } | null = null;

function begin(): void {
  for (const closing of session.untold()) void tell(closing).then(() => session.forget(closing.id), () => {});
  const fragment = location.hash.slice(1);
  if (fragment === "") return goOn();
  const link = readLink(fragment);
  if (!("payload" in link)) return say(texts.linkFault(link), commandLine());
  const root = rootOf(link);
  const known = session.remembered(root.id);
  if (known !== null) return resume(known, root.id);
  const begun = session.begun(root.id);
  if (begun !== null) return void alone(root.id, () => takeUp(link, root, begun));
  void greet(link, root);
}

/** An address without a key: a reload of an opening that has begun or ended, or a link that has lost its end. */
function goOn(): void {
  const { id, closed } = stateOf(history.state);
  const known = id && session.remembered(id);
  if (known) return resume(known, id);
  const begun = id && session.begun(id);
  if (begun) return say(texts.keyElsewhere(texts.time(begun.until)));
  if (closed > 0) return say(texts.closed.before(texts.time(closed)));
  // A # that was spelt %23 on its way is no # any more.
  const exposed = /share1[0-9a-z]{20}/i.test(location.pathname + location.search);
  if (exposed) history.replaceState(null, "", new URL(".", location.href).href);
  say(texts.linkFault({ why: exposed ? "exposed" : "no-key" }), commandLine());
}

/** What the history remembers of this address: which share it was for, and when that was closed, in Unix seconds. */
function stateOf(state: unknown): { id: Uint8Array | null; closed: number } {
  const { id, closed } = (state ?? {}) as { id?: unknown; closed?: unknown };
  return { id: typeof id === "string" ? relay.bytesOf(id) : null, closed: typeof closed === "number" ? closed : 0 };
}

function resume(known: Opening | Closing, id: Uint8Array): void {
  hideLink(id);
  if (known.stage === "closing") return void close(known);
  const link = readLink(known.fragment);
  if (!("payload" in link)) return say(texts.linkFault(link), commandLine());
  void alone(id, () => {
    // The tab that had it may have closed it meanwhile.
    const still = session.remembered(id);
    if (still?.stage === "closing") void close(still);
    else void opening(link, known);
  });
}

/** Resumes what another tab of this browser began, with the link that was opened here. */
function takeUp(link: Link, root: Root, begun: Begun): void {
  claimed = { id: root.id, claimToken: begun.claimToken };
  // The tab that had it may have closed it meanwhile: then the relay knows best.
  if (session.begun(root.id) === null) begin();
  else if ((link.flags & NEEDS_PASSPHRASE) !== 0) askPassphrase(link, begun);
  else open(link, root.id, new Uint8Array(32), begun);
}

/** Goes on when no other tab of this browser has the share `id` open. */
async function alone(id: Uint8Array, go: () => void): Promise<void> {
  const name = session.nameOf(id);
  say(texts.loading);
  if (await tabs.take(name)) return go();
  say(texts.otherTab.open);
  await tabs.free(name);
  say(texts.otherTab.gone, button(texts.otherTab.here, () => void alone(id, go), "main"));
}

/** Forgets a share that has ended, and lets other tabs find out. */
function forget(id: Uint8Array): void {
  session.forget(id);
  tabs.release(session.nameOf(id));
}

/**
 * Takes the key out of the address bar, and leaves there which share it was for, and when it was closed. The browser's
 * history may have the key all the same.
 */
function hideLink(id: Uint8Array, closed = 0): void {
  history.replaceState({ id: relay.textOf(id), closed }, "", location.origin + location.pathname);
}

// ---- Before the opening

/** Looks at what waits. Nothing here is more than a question. */
async function greet(link: Link, root: Root): Promise<void> {
  const line = patience(HOST);
  say(texts.loading, ...line.nodes);
  try {
    if ((link.flags & NEEDS_PASSPHRASE) === 0) {
      const stretched = new Uint8Array(32);
      const keys = keysOf(link, stretched);
      return await envelope(link, keys, stretched, await patiently(line, () => share.look(keys)));
    }
    const notice = await patiently(line, () => relay.notice({ id: root.id, token: root.linkToken }));
    // Padding is an eighth at most.
    if (notice.blob_len > MOST * 1.125) return tooLarge(notice.blob_len);
    askPassphrase(link);
  } catch (error) {
    failed(error, () => void greet(link, root));
  }
}

/** Asks a few times, and says so on the page. */
async function patiently<T>({ waits, again }: Waits, ask: () => Promise<T>): Promise<T> {
  const asking = new Patience(waits, ATTEMPTS);
  again(() => asking.now());
  return asking.until(ask);
}

/** Asks for the passphrase until it is right: to look, or to resume what another tab has begun. */
function askPassphrase(link: Link, begun: Begun | null = null, wrong = "", typed = ""): void {
  const words = texts.passphrase;
  waiting = begun === null ? session.nameOf(rootOf(link).id) : null;
  // Not every browser keeps to itself what it corrects.
  const input = h("input", { id: "passphrase", type: "password", autocomplete: "off", spellcheck: false, required: true, value: typed });
  input.setAttribute("autocapitalize", "none");
  input.setAttribute("autocorrect", "off");
  const shown = h("input", { id: "show", type: "checkbox", onchange: () => (input.type = shown.checked ? "text" : "password") });
  const told = live();
  const line = patience(HOST);
  const go = h("button", { type: "submit", className: "main" }, words.go);
  const form = h(
    "form",
    {
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        if (go.disabled) return;
        go.disabled = true;
        told.textContent = words.working;
        void tryPassphrase(link, begun, input.value, line);
      },
    },
    h("label", { htmlFor: "passphrase" }, words.label),
    h("div", { className: "row" }, input, go),
    h("div", { className: "check" }, shown, h("label", { htmlFor: "show" }, words.show)),
  );
  screen(words.title, h("p", {}, words.line), form, told, ...line.nodes);
  input.select();
  told.textContent = wrong;
}

async function tryPassphrase(link: Link, begun: Begun | null, passphrase: string, line: Waits): Promise<void> {
  waiting = null;
  try {
    const stretched = await stretch(link, passphrase);
    const keys = keysOf(link, stretched);
    if (begun === null) {
      await envelope(link, keys, stretched, await patiently(line, () => share.look(keys)));
    } else {
      await patiently(line, () => share.claim(keys, begun.claimToken, begun.shown));
      open(link, keys.id, stretched, begun);
    }
  } catch (error) {
    if (error instanceof Refusal && error.why === "wrong-passphrase") {
      askPassphrase(link, begun, texts.passphrase.wrong(error.left), passphrase);
    } else if (begun !== null && error instanceof Refusal && error.why === "damaged") {
      // The relay asks the holder of a claim for no proof, and has sent what was shown before: only the key can be
      // wrong.
      askPassphrase(link, begun, texts.passphrase.wrongAgain, passphrase);
    } else {
      failed(error, () => askPassphrase(link, begun));
    }
  }
}

/** Shows what waits, and waits for the person. */
async function envelope(link: Link, keys: Keys, stretched: Uint8Array, { manifest, expires, digest }: share.Envelope): Promise<void> {
  const words = texts.waiting;
  waiting = session.nameOf(keys.id);
  if (manifest.total > MOST) return tooLarge(manifest.total);
  const able = manifest.viewOnly ? await worst(manifest.entries) : "yes";
  if (able === "no") return say(texts.refused.notShowable, commandLine());
  const only = manifest.entries.length === 1 ? manifest.entries[0]! : null;
  const name = only?.name ?? manifest.name;
  const what = only ? words.kind(kindOf(only.type), only.size) : words.files(manifest.entries.length, manifest.total);
  const fact = (term: string, value: string | Node) => [h("dt", {}, term), h("dd", {}, value)];
  screen(
    words.title,
    h(
      "dl",
      {},
      ...(name === null ? [] : fact(words.name, theirs(printable(name)))),
      ...fact(words.what, what),
      ...fact(words.until, texts.time(expires)),
    ),
    only ? null : contents(manifest),
    h("p", {}, words.once),
    manifest.viewOnly ? h("p", {}, words.viewOnly) : null,
    able === "perhaps" ? h("p", { className: "warning" }, words.perhaps) : null,
    APP === null || manifest.viewOnly ? null : h("p", { className: "warning" }, words.inApp(APP)),
    session.works() ? null : h("p", { className: "warning" }, words.forgetful),
    isSecureContext ? null : h("p", { className: "warning" }, texts.trust.plain),
    opener(() => {
      waiting = null;
      void alone(keys.id, () => {
        // Another tab of this browser may have begun meanwhile, and be gone.
        const fresh = { claimToken: crypto.getRandomValues(new Uint8Array(32)), shown: digest, until: session.now() + LEASE_S };
        open(link, keys.id, stretched, session.begun(keys.id) ?? { stage: "begun", ...fresh });
      });
    }),
    h("p", { className: "note" }, words.why),
    trust(),
  );
}

/** How sure it is that this browser can show all of these. */
async function worst(entries: readonly Entry[]): Promise<Ability> {
  const all = await Promise.all(entries.map(({ type, size }) => ability(type, size)));
  return all.includes("no") ? "no" : all.includes("perhaps") ? "perhaps" : "yes";
}

/** The files of an album, the first of many. */
function contents({ entries }: Manifest): HTMLElement {
  const words = texts.waiting;
  const line = ({ name, type, size }: Entry) =>
    h("li", {}, ...(name === null ? [] : [theirs(printable(name)), " · "]), words.kind(kindOf(type), size));
  const more = entries.length - LISTED;
  return h("ul", {}, ...entries.slice(0, LISTED).map(line), more > 0 ? h("li", {}, words.more(more)) : null);
}

function trust(): HTMLElement {
  const { title, lines } = texts.trust;
  return h("details", {}, h("summary", {}, title), ...lines.map((line) => h("p", {}, line)));
}

function tooLarge(bytes: number): void {
  say(texts.refused.tooLarge(bytes, MOST, PHONE), commandLine());
}

// ---- The opening

/** Notes that it is being opened, and begins. */
function open(link: Link, id: Uint8Array, stretched: Uint8Array, begun: Begun): void {
  const known: Opening = { stage: "opening", fragment: link.fragment, stretched, claimToken: begun.claimToken, shown: begun.shown };
  session.keep(id, known);
  session.keep(id, begun);
  hideLink(id);
  void opening(link, known);
}

/** Opens it, or goes on where it broke. */
async function opening(link: Link, known: Opening): Promise<void> {
  const words = texts.opening;
  const { claimToken, shown } = known;
  const keys = keysOf(link, known.stretched);
  claimed = { id: keys.id, claimToken };
  const bar = h("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", words.progress);
  const figure = h("p", { className: "figure" });
  const { nodes, waits, again } = patience(HOST);
  const claiming = new Patience(waits);
  again(() => claiming.now());
  screen(words.title, bar, figure, ...nodes, h("p", { className: "note" }, words.stay));
  busy = "opening";
  try {
    const opened = await claiming.until(() => share.claim(keys, claimToken, shown));
    const until = leaseOf(keys.id, opened.claimed);
    session.keep(keys.id, { stage: "begun", claimToken, shown, until });
    const all = opened.claimed.blob_len;
    let arrived = 0;
    const moved = (bytes: number) => {
      arrived += bytes;
      bar.value = arrived / all;
      figure.textContent = words.part(arrived, all);
    };
    const blobs = await share.receive(keys, claimToken, opened, waits, moved, again);
    present(keys, claimToken, opened, blobs, until);
  } catch (error) {
    // What has ended elsewhere cannot go on here; everything else can, as long as this tab is there.
    if (error instanceof Refusal && !["damaged", "changed", "not-a-relay"].includes(error.why)) {
      busy = null;
      forget(keys.id);
    }
    failed(error, () => void opening(link, known), true);
  }
}

/** Until when this browser may resume, by its own clock, which may differ from the relay's. */
function leaseOf(id: Uint8Array, { at, until }: relay.Claimed): number {
  const lease = Math.min(Math.max(until - at, 0) || LEASE_S, LEASE_S);
  return Math.min(session.begun(id)?.until ?? Infinity, session.now() + lease);
}

/** Shows it, until the person closes it. */
function present(keys: Keys, claimToken: Uint8Array, opened: share.Opened, blobs: readonly Blob[], until: number): void {
  const closing: Closing = { stage: "closing", id: keys.id, claimToken, receipt: share.receiptFor(keys, claimToken), until };
  const showing = show(opened.manifest, blobs, opened.claimed.until, () => {
    showing.end();
    busy = null;
    session.keep(keys.id, closing);
    void close(closing);
  });
  busy = { showing, closing };
}

// ---- The end

/** Tells the relay that it is over. */
async function close(closing: Closing): Promise<void> {
  const words = texts.closed;
  const line = patience(HOST);
  say({ title: words.title, lines: [words.telling] }, ...line.nodes);
  let done = true;
  try {
    await patiently(line, () => tell(closing));
  } catch (error) {
    if (!(error instanceof Refusal) || error.why === "not-a-relay") {
      const again = () => {
        removeEventListener("online", again);
        void close(closing);
      };
      addEventListener("online", again);
      return say({ title: words.here, lines: [words.untold(HOST)] }, button(words.again, again, "main"));
    }
    done = false;
  }
  forget(closing.id);
  hideLink(closing.id, session.now());
  const opener = openersWords(claimantOf(closing.id, closing.claimToken));
  say({ title: words.title, lines: [done ? words.done : words.otherwise, ...(done ? [words.words(opener)] : []), words.history] });
}

function tell({ id, claimToken, receipt }: Closing): Promise<void> {
  return relay.finish({ id, token: claimToken }, receipt);
}

/** Says what went wrong. `again` repeats what did. `begun` says that it is this browser's already. */
function failed(error: unknown, again: () => void, begun = false): void {
  const retry = button(texts.unreachable.again, again, "main");
  if (error instanceof NotNow) return say(texts.unreachable.message(HOST, begun), retry);
  if (error instanceof TooNew) return say(texts.tooNew(begun), commandLine());
  if (!(error instanceof Refusal)) {
    console.error(error);
    return say(texts.unexpected, retry, commandLine());
  }
  if (claimed !== null && share.isOurs(error, claimed.id, claimed.claimToken)) {
    forget(claimed.id);
    hideLink(claimed.id, error.at);
    const words = openersWords(claimantOf(claimed.id, claimed.claimToken));
    return say(texts.closed.before(texts.time(error.at), words));
  }
  switch (error.why) {
    case "unknown":
    case "wrong-passphrase":
      return say(texts.unknown(HOST));
    case "damaged":
      return say(texts.damaged, retry);
    case "changed":
      return say(texts.changed, commandLine());
    case "not-a-relay":
      return say(texts.notARelay(HOST, begun), retry);
    default: {
      const words = error.claimant?.length === 32 ? openersWords(error.claimant) : null;
      if (error.why === "already-opened" && error.until > 0) {
        return say(texts.beingOpened(texts.time(error.at), texts.time(error.until), words));
      }
      return say(texts.ended[error.why](texts.time(error.at), words));
    }
  }
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
  // Who is asked and stays, has no key in the address bar either.
  if (busy !== null) setTimeout(() => history.replaceState(shown, "", location.origin + location.pathname), 1000);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Another tab of this browser begins to open what waits here.
addEventListener("storage", ({ key, newValue }) => {
  if (waiting === null || key !== waiting || newValue === null) return;
  waiting = null;
  begin();
});

addEventListener("beforeunload", (event) => {
  if (busy === null) return;
  event.preventDefault();
  // Older browsers ask only where this is set.
  event.returnValue = true;
});

// Leaving is closing, where all was seen. Where not, this tab can come back to it.
addEventListener("pagehide", () => {
  if (busy === null || busy === "opening") return;
  const { showing, closing } = busy;
  const done = showing.done();
  showing.end();
  busy = null;
  if (!done) return;
  // The request comes first: a browser that changes its process for the next page may stop this one at any moment.
  void tell(closing).catch(() => {});
  // It stays until somebody comes back, to be told that it was closed here; or until its time is over.
  session.keep(closing.id, closing);
});

// Nobody looks: neither should who looks over a shoulder, nor the picture that a phone shows of its open programs.
document.addEventListener("visibilitychange", () => {
  document.body.classList.toggle("covered", document.hidden);
  if (document.hidden) for (const media of document.querySelectorAll<HTMLMediaElement>("video, audio")) media.pause();
});

document.querySelector(".cover")!.textContent = texts.showing.cover;
if (!isSupported()) say(texts.unsupported, commandLine());
else if ("prerendering" in document && document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
else start();
