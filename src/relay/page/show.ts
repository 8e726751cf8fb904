// Showing what was opened, one file after another, and closing it.

import { asText, defaultName, HEAD_LEN, type Kind, kindOf, MAX_TEXT, type Showable, sniff } from "./kind.ts";
import { type Entry, type Manifest, printable, safeName } from "./manifest.ts";
import * as texts from "./texts.ts";
import { button, h, live, screen, theirs } from "./view.ts";

const words = texts.showing;

/** Something that is being shown. */
export interface Showing {
  /** Whether every file was seen. What was only saved is not known to have arrived until the person says so. */
  readonly done: () => boolean;
  /** Takes it off the page, and lets the browser forget it. */
  readonly end: () => void;
}

/** Shows the files of a share until `close` is called: once, when the person closes it. */
export function show(manifest: Manifest, blobs: readonly Blob[], close: () => void): Showing {
  const { entries, viewOnly } = manifest;
  const seen = new Set<number>();
  let at = 0;
  let url: string | null = null;
  let turns = 0;
  const told = live();
  const title = h("span");
  const stage = h("div", { className: "stage" });
  const actions = h("div", { className: "actions" });
  const album = entries.length > 1;
  const [previous, next] = [button(words.previous, () => turn(at - 1)), button(words.next, () => turn(at + 1))];
  const count = h("p", { className: "count", role: "status" });
  const saved = new Set<string>();
  const handed = new Set<number>();

  const forget = () => {
    for (const media of stage.querySelectorAll<HTMLMediaElement>("video, audio")) {
      media.pause();
      media.removeAttribute("src");
      media.load();
    }
    stage.replaceChildren();
    if (url !== null) URL.revokeObjectURL(url);
    url = null;
  };
  /** Marks a file as seen, as soon as somebody can be looking at it. */
  const see = (number: number, mine: number) => {
    if (mine !== turns) return;
    if (!document.hidden) return void seen.add(number);
    document.addEventListener("visibilitychange", () => see(number, mine), { once: true });
  };

  const turn = (to: number) => {
    if (to < 0 || to >= entries.length) return;
    at = to;
    void draw();
  };

  const draw = async () => {
    const mine = ++turns;
    const [number, entry, blob] = [at, entries[at]!, blobs[at]!];
    forget();
    told.textContent = "";
    // A browser that has run out of room gives nothing back.
    const { showable, text } = await judge(entry, blob).catch(() => ({ showable: null, text: null }));
    if (mine !== turns) return;
    const saw = () => see(number, mine);
    const save = () => {
      const name = safeName(entry.name ?? manifest.name, defaultName(entry.type));
      const type = showable?.type ?? "application/octet-stream";
      const source = URL.createObjectURL(blob.slice(0, blob.size, type));
      h("a", { href: source, download: name }).click();
      // The browser reads it after the click, and does not tell when.
      saved.add(source);
      handed.add(number);
      told.textContent = words.saved;
    };
    const unshown = () => {
      if (mine === turns) stage.replaceChildren(h("p", {}, blob.size === 0 ? words.empty : viewOnly ? words.notShownAtAll : words.notShown));
    };
    const name = nameOf(entry, manifest);
    title.replaceChildren(name === null ? words.untitled(showable?.kind ?? kindOf(entry.type)) : theirs(printable(name)));
    count.textContent = words.of(number + 1, entries.length);
    // A button that is disabled would lose the focus, and the arrows with it.
    previous.setAttribute("aria-disabled", String(number === 0));
    next.setAttribute("aria-disabled", String(number === entries.length - 1));
    const shown = showable !== null || text !== null;
    stage.classList.remove("full");
    const full = button(words.full, () => {
      full.textContent = stage.classList.toggle("full") ? words.fit : words.full;
    });
    const copy = text === null || viewOnly ? null : button(words.copy, () => void copied(text, stage).then((how) => (told.textContent = how)));
    actions.replaceChildren(
      ...[
        copy,
        showable?.kind === "photo" ? full : null,
        viewOnly ? null : button(words.save, save, shown ? "" : "main"),
        button(words.close, closing, shown ? "main" : ""),
      ].filter((child) => child !== null),
    );
    if (text !== null) {
      stage.replaceChildren(h("pre", { tabIndex: 0, className: viewOnly ? "kept" : "" }, text));
      saw();
    } else if (showable !== null) {
      url = URL.createObjectURL(blob.slice(0, blob.size, showable.type));
      stage.replaceChildren(media(showable.kind, url, name, saw, unshown));
    } else {
      unshown();
    }
  };

  const closing = () => {
    const missing = entries.filter((_, number) => !seen.has(number) && !handed.has(number)).length;
    if (missing === 0) return close();
    const question = words.unseen(missing, entries.length);
    const back = button(words.back, () => void goBack().then(() => actions.querySelector("button")?.focus()), "main");
    actions.replaceChildren(h("p", { role: "alert" }, question), back, button(words.anyway, close));
    back.focus();
  };

  /** To the first file that is missing. */
  const goBack = () => {
    at = Math.max(entries.findIndex((_, number) => !seen.has(number) && !handed.has(number)), 0);
    return draw();
  };

  const arrows = (event: KeyboardEvent) => {
    // A video's own controls take the arrows for seeking.
    if (event.target instanceof HTMLMediaElement || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") turn(at - 1);
    if (event.key === "ArrowRight") turn(at + 1);
  };
  if (album) addEventListener("keydown", arrows);
  if (viewOnly) stage.oncontextmenu = (event) => event.preventDefault();
  document.body.classList.toggle("view-only", viewOnly);

  screen(
    title,
    album ? h("div", { className: "turning" }, previous, count, next) : null,
    stage,
    told,
    actions,
    h("p", { className: "note" }, viewOnly ? words.viewOnly : words.gone),
  );
  void draw();

  return {
    done: () => seen.size === entries.length,
    end: () => {
      turns += 1;
      removeEventListener("keydown", arrows);
      document.body.classList.remove("view-only");
      forget();
      for (const source of saved) URL.revokeObjectURL(source);
    },
  };
}

/** What a file can be shown as; for text, the text. */
async function judge(entry: Entry, blob: Blob): Promise<{ showable: Showable | null; text: string | null }> {
  const showable = sniff(new Uint8Array(await blob.slice(0, HEAD_LEN).arrayBuffer()));
  // What a sender's program took for a document with a language of its own is no plain text, though it could be read.
  const maybe = showable === null && entry.type === "text/plain" && blob.size <= MAX_TEXT;
  return { showable, text: maybe ? asText(new Uint8Array(await blob.arrayBuffer())) : null };
}

function nameOf(entry: Entry, manifest: Manifest): string | null {
  return entry.name ?? (manifest.entries.length === 1 ? manifest.name : null);
}

function media(kind: Kind, url: string, name: string | null, saw: () => void, failed: () => void): HTMLElement {
  if (kind === "photo") {
    return h("img", { src: url, alt: name === null ? words.untitled(kind) : printable(name), draggable: false, onload: saw, onerror: failed });
  }
  const element = h(kind === "video" ? "video" : "audio", { src: url, controls: true, onplaying: saw, onerror: failed });
  element.setAttribute("controlslist", "nodownload noremoteplayback");
  element.setAttribute("aria-label", name === null ? words.untitled(kind) : printable(name));
  if (element instanceof HTMLVideoElement) {
    element.playsInline = true;
    element.disablePictureInPicture = true;
  }
  return element;
}

/** Copies a text, which stands in `shown`; says how it went. */
async function copied(text: string, shown: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return words.copied;
  } catch {
    // Where a page came without TLS there is only the old way: what is selected is copied.
    getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy") ? words.copied : words.notCopied;
  }
}
