// The viewer: one file after another, and the end.

import { asText, defaultName, HEAD_LEN, kindOf, MAX_TEXT, type Showable, sniff } from "./media.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { media } from "./player.ts";
import { APP } from "./app.ts";
import { isBlank, printable, safeName } from "./safe_text.ts";
import * as texts from "./texts.ts";
import { codecName, type Picture, pictureOf } from "./codecs.ts";
import { button, h, live, screen, theirs } from "./dom.ts";

const words = texts.showing;

/** The files that are being shown. */
export interface Showing {
  /**
   * Whether leaving the page may finish the share: every file was seen, and inside an app no saved file is
   * unconfirmed, since apps lose saved files.
   */
  readonly done: () => boolean;
  /** Removes the files from the page and frees their memory. */
  readonly end: () => void;
}

/** Shows the files. `close` is called once, when the person closes them. `until`: end of the lease, in Unix seconds. */
export function show(manifest: Manifest, blobs: readonly Blob[], until: number, close: () => void): Showing {
  const { entries, viewOnly } = manifest;
  const seen = new Set<number>();
  /** Files that another app has taken. */
  const kept = new Set<number>();
  /** Files that the browser was asked to download, which it never confirms. */
  const unsure = new Set<number>();
  let at = 0;
  let url: string | null = null;
  let turns = 0;
  const status = live();
  const title = h("span");
  const stage = h("div", { className: "stage" });
  const actions = h("div", { className: "actions" });
  const album = entries.length > 1;
  const [previous, next] = [button(words.previous, () => turn(at - 1)), button(words.next, () => turn(at + 1))];
  const count = h("p", { className: "count", role: "status" });
  const saved = new Set<string>();

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
  /** Counts a file as seen, at the latest when the page becomes visible. */
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
    let mine = ++turns;
    const [number, entry, blob] = [at, entries[at]!, blobs[at]!];
    forget();
    status.textContent = "";
    // A browser that is out of memory fails to read the blob.
    const { showable, text, picture } = await judge(entry, blob).catch(() => NOTHING);
    if (mine !== turns) return;
    const type = showable?.type ?? "application/octet-stream";
    const fileName = safeName(entry.name ?? manifest.name, defaultName(entry.type));
    const save = () => {
      const source = URL.createObjectURL(blob.slice(0, blob.size, type));
      h("a", { href: source, download: fileName }).click();
      // The browser reads the blob at some time after the click, so it is kept until the end.
      saved.add(source);
      if (!kept.has(number)) unsure.add(number);
      status.textContent = APP === null ? words.saved : words.savedInApp(APP);
    };
    const file = viewOnly ? null : handable(blob, fileName, showable?.type ?? entry.type);
    const hand = () => {
      navigator.share({ files: [file!] }).then(
        () => {
          kept.add(number);
          unsure.delete(number);
          status.textContent = words.shared;
        },
        (error: unknown) => {
          const changedMind = error instanceof DOMException && error.name === "AbortError";
          status.textContent = changedMind ? "" : words.notShared;
        },
      );
    };
    const name = nameOf(entry, manifest);
    title.replaceChildren(
      name === null ? words.untitled(showable?.kind ?? kindOf(entry.type)) : theirs(printable(name)),
    );
    count.textContent = words.of(number + 1, entries.length);
    // A disabled button would lose the focus, and the arrow keys would stop working.
    previous.setAttribute("aria-disabled", String(number === 0));
    next.setAttribute("aria-disabled", String(number === entries.length - 1));
    stage.classList.remove("full");
    const full = button(words.full, () => {
      full.textContent = stage.classList.toggle("full") ? words.fit : words.full;
    });
    const copy =
      text === null || viewOnly
        ? null
        : button(words.copy, () => void copied(text, stage).then((how) => (status.textContent = how)));
    const offer = (shown: boolean) => {
      const main = shown ? "" : "main";
      actions.replaceChildren(
        ...[
          shown ? copy : null,
          shown && showable?.kind === "photo" ? full : null,
          // Inside apps downloads often fail, so sharing is the main action there.
          file === null ? null : button(words.share, hand, APP === null ? "" : main),
          viewOnly ? null : button(words.save, save, file === null || APP === null ? main : ""),
          button(words.close, closing, shown ? "main" : ""),
        ].filter((child) => child !== null),
      );
    };
    const unshown = () => {
      if (mine !== turns) return;
      // Ignores later events of the element that was shown so far.
      mine = ++turns;
      seen.delete(number);
      forget();
      const codec = picture === null ? null : codecName(picture);
      stage.replaceChildren(
        h("p", {}, viewOnly ? words.notShownAtAll(codec, until) : showable ? words.notHere(codec) : words.notShown),
      );
      offer(false);
    };
    const saw = () => see(number, mine);
    if (blob.size === 0) {
      stage.replaceChildren(h("p", {}, words.empty));
      offer(true);
      saw();
    } else if (text !== null) {
      stage.replaceChildren(h("pre", { tabIndex: 0, className: viewOnly ? "kept" : "" }, text));
      if (isBlank(text)) status.textContent = words.blank;
      offer(true);
      saw();
    } else if (showable !== null) {
      url = URL.createObjectURL(blob.slice(0, blob.size, showable.type));
      const label = name === null ? words.untitled(showable.kind) : printable(name);
      offer(true);
      stage.replaceChildren(media(showable, url, label, saw, unshown));
    } else {
      unshown();
    }
  };

  /** Closes, after a question if a file was not seen or may not have arrived. */
  const closing = () => {
    const isMissing = (number: number) => !seen.has(number) && !kept.has(number) && !unsure.has(number);
    const missing = entries.map((_, number) => number).filter(isMissing);
    if (missing.length === 0) return arrived();
    ask(words.unseen(missing.length, entries.length), words.back, missing[0]!, words.anyway, arrived);
  };

  const arrived = () => {
    if (unsure.size === 0) return close();
    ask(words.arrived(unsure.size), words.notYet, [...unsure][0]!, words.there, close);
  };

  const ask = (question: string, no: string, to: number, yes: string, then: () => void) => {
    const goBack = () => {
      at = to;
      return draw();
    };
    const back = button(no, () => void goBack().then(() => actions.querySelector("button")?.focus()), "main");
    status.textContent = "";
    actions.replaceChildren(h("p", { role: "alert" }, question), back, button(yes, then));
    back.focus();
  };

  const arrows = (event: KeyboardEvent) => {
    // A video's own controls use the arrows for seeking.
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
    status,
    actions,
    h("p", { className: "note" }, viewOnly ? words.viewOnly : words.gone),
  );
  void draw();

  return {
    done: () => seen.size === entries.length && (APP === null || unsure.size === 0),
    end: () => {
      turns += 1;
      removeEventListener("keydown", arrows);
      document.body.classList.remove("view-only");
      forget();
      for (const source of saved) URL.revokeObjectURL(source);
    },
  };
}

/** How a file can be shown; for text, the text. */
interface Judgment {
  readonly showable: Showable | null;
  readonly text: string | null;
  /** The codec of a video's picture. */
  readonly picture: Picture;
}

const NOTHING: Judgment = { showable: null, text: null, picture: null };

async function judge(entry: Entry, blob: Blob): Promise<Judgment> {
  const showable = sniff(new Uint8Array(await blob.slice(0, HEAD_LEN).arrayBuffer()));
  if (showable === null) {
    // Source code and the like have types of their own, so the sender's type must be plain text.
    const maybe = entry.type === "text/plain" && blob.size <= MAX_TEXT;
    return { ...NOTHING, text: maybe ? asText(new Uint8Array(await blob.arrayBuffer())) : null };
  }
  if (!/mp4|quicktime|webm/.test(showable.type)) return { ...NOTHING, showable, picture: "" };
  const picture = await pictureOf(blob, showable.type);
  if (picture === "") return { ...NOTHING, showable, picture };
  // A video container may hold only sound, and a sound container a video.
  const kind = picture === null ? "sound" : "video";
  const container = showable.type.endsWith("webm") ? "webm" : "mp4";
  const type = picture === null ? `audio/${container}` : showable.type.replace("audio/", "video/");
  return { showable: { kind, type }, text: null, picture };
}

/** The file for the device's share sheet; `null` if the browser has none or refuses this file. */
function handable(blob: Blob, name: string, type: string): File | null {
  if (!("canShare" in navigator)) return null;
  const file = new File([blob], name, { type });
  return navigator.canShare({ files: [file] }) ? file : null;
}

function nameOf(entry: Entry, manifest: Manifest): string | null {
  return entry.name ?? (manifest.entries.length === 1 ? manifest.name : null);
}

/** Copies a text, which is the content of `shown`. Returns the words for the outcome. */
async function copied(text: string, shown: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return words.copied;
  } catch {
    // Without TLS there is no clipboard interface: this copies the selection instead.
    getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy") ? words.copied : words.notCopied;
  }
}
