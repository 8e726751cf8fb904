// The viewer: one file after another, and the end.

import { asText, defaultName, HEAD_LEN, kindOf, MAX_TEXT, type Showable, sniff } from "./media.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { media } from "./player.ts";
import { APP } from "./app.ts";
import { isBlank, printable, safeName } from "./safe_text.ts";
import { time, words } from "./texts.ts";
import { codecName, type Picture, pictureOf } from "./codecs.ts";
import { button, h, live, screen, theirs } from "./dom.ts";

/** The files that are being shown. */
export interface Showing {
  /**
   * Whether leaving the page may finish the share: every file was seen, and inside an app no saved file is
   * unconfirmed, since apps lose saved files.
   */
  done(): boolean;
  /** Removes the files from the page and frees their memory. */
  end(): void;
}

/** Shows the files. `close` is called once, when the user closes them. `until`: end of the lease, in Unix seconds. */
export function show(manifest: Manifest, blobs: readonly Blob[], until: number, close: () => void): Showing {
  return new Viewer(manifest, blobs, until, close);
}

/** A file on the page. */
interface Shown extends Judgment {
  /** Its index among the files. */
  readonly number: number;
  readonly entry: Entry;
  readonly blob: Blob;
  /** The name that the browser saves it under. */
  readonly fileName: string;
  /** The file for other apps; `null`: it cannot be passed on. */
  readonly file: File | null;
}

class Viewer implements Showing {
  readonly #seen = new Set<number>();
  /** Files that another app has taken. */
  readonly #kept = new Set<number>();
  /** Files that the browser was asked to download, which it never confirms. */
  readonly #unsure = new Set<number>();
  /** Addresses of blobs that the browser may still be saving. */
  readonly #saved = new Set<string>();
  /** The index of the current file. */
  #at = 0;
  /** The address of the blob that is shown. */
  #url: string | null = null;
  /** Changes whenever another element is shown, so that events of earlier ones are ignored. */
  #turns = 0;
  readonly #status = live();
  readonly #title = h("span");
  readonly #stage = h("div", { className: "stage" });
  readonly #actions = h("div", { className: "actions" });
  readonly #count = h("p", { className: "count", role: "status" });
  readonly #previous = button(words("showing.previous"), () => this.#turn(this.#at - 1));
  readonly #next = button(words("showing.next"), () => this.#turn(this.#at + 1));

  constructor(
    private readonly manifest: Manifest,
    private readonly blobs: readonly Blob[],
    private readonly until: number,
    private readonly close: () => void,
  ) {
    const { entries, viewOnly } = manifest;
    const isAlbum = entries.length > 1;
    if (isAlbum) addEventListener("keydown", this.#arrows);
    if (viewOnly) this.#stage.oncontextmenu = (event) => event.preventDefault();
    document.body.classList.toggle("view-only", viewOnly);
    screen(
      this.#title,
      isAlbum ? h("div", { className: "turning" }, this.#previous, this.#count, this.#next) : null,
      this.#stage,
      this.#status,
      this.#actions,
      h("p", { className: "note" }, words(viewOnly ? "showing.view_only" : "showing.gone", { count: entries.length })),
    );
    void this.#draw();
  }

  done(): boolean {
    return this.#seen.size === this.manifest.entries.length && (APP === null || this.#unsure.size === 0);
  }

  end(): void {
    this.#turns += 1;
    removeEventListener("keydown", this.#arrows);
    document.body.classList.remove("view-only");
    this.#forget();
    for (const source of this.#saved) URL.revokeObjectURL(source);
  }

  readonly #arrows = (event: KeyboardEvent) => {
    // A video's own controls use the arrows for seeking.
    if (event.target instanceof HTMLMediaElement || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowLeft") this.#turn(this.#at - 1);
    if (event.key === "ArrowRight") this.#turn(this.#at + 1);
  };

  #turn(to: number): void {
    if (to < 0 || to >= this.manifest.entries.length) return;
    this.#at = to;
    void this.#draw();
  }

  /** Removes the current file from the page and frees its memory. */
  #forget(): void {
    for (const media of this.#stage.querySelectorAll<HTMLMediaElement>("video, audio")) {
      media.pause();
      media.removeAttribute("src");
      media.load();
    }
    this.#stage.replaceChildren();
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  /** Counts a file as seen, at the latest when the page becomes visible. */
  #see(number: number, mine: number): void {
    if (mine !== this.#turns) return;
    if (!document.hidden) return void this.#seen.add(number);
    document.addEventListener("visibilitychange", () => this.#see(number, mine), { once: true });
  }

  /** Shows the current file. */
  async #draw(): Promise<void> {
    const { manifest } = this;
    const mine = ++this.#turns;
    const [number, entry, blob] = [this.#at, manifest.entries[this.#at]!, this.blobs[this.#at]!];
    this.#forget();
    this.#status.textContent = "";
    // A browser that is out of memory fails to read the blob.
    const judgment = await judge(entry, blob).catch(() => NOTHING);
    if (mine !== this.#turns) return;
    const fileName = safeName(entry.name ?? manifest.name, defaultName(entry.type));
    const file = manifest.viewOnly ? null : handable(blob, fileName, judgment.showable?.type ?? entry.type);
    const name = nameOf(entry, manifest);
    const untitled = words(`showing.${judgment.showable?.kind ?? kindOf(entry.type)}`);
    this.#title.replaceChildren(name === null ? untitled : theirs(printable(name)));
    this.#count.textContent = words("showing.of", { number: number + 1, count: manifest.entries.length });
    // A disabled button would lose the focus, and the arrow keys would stop working.
    this.#previous.setAttribute("aria-disabled", String(number === 0));
    this.#next.setAttribute("aria-disabled", String(number === manifest.entries.length - 1));
    this.#stage.classList.remove("full");
    this.#put({ ...judgment, number, entry, blob, fileName, file }, name === null ? untitled : printable(name), mine);
  }

  /** Puts a file on the stage. `label` names it for screen readers; `mine` is the turn that shows it. */
  #put(shown: Shown, label: string, mine: number): void {
    const { showable, text, blob, number } = shown;
    const saw = () => this.#see(number, mine);
    if (blob.size === 0) {
      this.#stage.replaceChildren(h("p", {}, words("showing.empty")));
      this.#offer(shown, true);
      saw();
    } else if (text !== null) {
      this.#stage.replaceChildren(h("pre", { tabIndex: 0, className: this.manifest.viewOnly ? "kept" : "" }, text));
      if (isBlank(text)) this.#status.textContent = words("showing.blank");
      this.#offer(shown, true);
      saw();
    } else if (showable !== null) {
      this.#url = URL.createObjectURL(blob.slice(0, blob.size, showable.type));
      this.#offer(shown, true);
      this.#stage.replaceChildren(media(showable, this.#url, label, saw, () => this.#unshown(shown, mine)));
    } else {
      this.#unshown(shown, mine);
    }
  }

  /** Replaces a file that this browser cannot show by the reason. */
  #unshown(shown: Shown, mine: number): void {
    if (mine !== this.#turns) return;
    // Ignores later events of the element that was shown so far.
    this.#turns += 1;
    this.#seen.delete(shown.number);
    this.#forget();
    const codec = shown.picture === null ? null : codecName(shown.picture);
    this.#stage.replaceChildren(h("p", {}, this.#reason(shown, codec)));
    this.#offer(shown, false);
  }

  /** The reason why a file is not shown. */
  #reason({ showable }: Shown, codec: string | null): string {
    if (this.manifest.viewOnly) {
      const until = time(this.until);
      if (codec === null) return words("showing.not_at_all", { until });
      return words("showing.not_at_all_codec", { codec, until });
    }
    if (showable === null) return words("showing.not_shown");
    return codec === null ? words("showing.not_here") : words("showing.not_here_codec", { codec });
  }

  /** Shows the buttons for a file. `isShown`: this browser can show it. */
  #offer(shown: Shown, isShown: boolean): void {
    const { showable, text, file } = shown;
    const { viewOnly } = this.manifest;
    const main = isShown ? "" : "main";
    const isText = isShown && text !== null && shown.blob.size > 0;
    const [sharing, saving] = file === null || APP === null ? ["", main] : [main, ""];
    const copy = async () => (this.#status.textContent = await copied(text!, this.#stage));
    const full = button(words("showing.full"), () => {
      full.textContent = this.#stage.classList.toggle("full") ? words("showing.fit") : words("showing.full");
    });
    this.#actions.replaceChildren(
      ...[
        isText && !viewOnly ? button(words("showing.copy"), () => void copy()) : null,
        isShown && showable?.kind === "photo" ? full : null,
        // Inside apps downloads often fail, so sharing is the main action there.
        file === null ? null : button(words("showing.share"), () => void this.#hand(shown, file), sharing),
        viewOnly ? null : button(words("showing.save"), () => this.#save(shown), saving),
        button(words("showing.close"), () => this.#closing(), isShown ? "main" : ""),
      ].filter((child) => child !== null),
    );
  }

  /** Asks the browser to save a file. */
  #save({ blob, showable, fileName, number }: Shown): void {
    const source = URL.createObjectURL(blob.slice(0, blob.size, showable?.type ?? "application/octet-stream"));
    h("a", { href: source, download: fileName }).click();
    // The browser reads the blob at some time after the click, so it is kept until the end.
    this.#saved.add(source);
    if (!this.#kept.has(number)) this.#unsure.add(number);
    this.#status.textContent = savedWords();
  }

  /** Passes a file to an app that the user chooses. */
  async #hand({ number }: Shown, file: File): Promise<void> {
    try {
      await navigator.share({ files: [file] });
      this.#kept.add(number);
      this.#unsure.delete(number);
      this.#status.textContent = words("showing.shared");
    } catch (error) {
      const changedMind = error instanceof DOMException && error.name === "AbortError";
      this.#status.textContent = changedMind ? "" : words("showing.not_shared");
    }
  }

  /** Closes, after a question if a file was not seen or may not have arrived. */
  #closing(): void {
    const has = (number: number) => [this.#seen, this.#kept, this.#unsure].some((files) => files.has(number));
    const missing = this.manifest.entries.map((_, number) => number).filter((number) => !has(number));
    const arrived = () => this.#arrived();
    if (missing.length === 0) return arrived();
    const question = unseenWords(missing.length, this.manifest.entries.length);
    this.#ask(question, words("showing.back"), missing[0]!, words("showing.anyway"), arrived);
  }

  /** Closes, after a question if a saved file may not have arrived. */
  #arrived(): void {
    const [first] = this.#unsure;
    if (first === undefined) return this.close();
    const question = words("showing.arrived", { count: this.#unsure.size });
    this.#ask(question, words("showing.back"), first, words("showing.there"), this.close);
  }

  /** Asks a question: `no` goes back to the file `to`, `yes` calls `then`. */
  #ask(question: string, no: string, to: number, yes: string, then: () => void): void {
    const goBack = async () => {
      this.#at = to;
      await this.#draw();
      this.#actions.querySelector("button")?.focus();
    };
    const back = button(no, () => void goBack(), "main");
    this.#status.textContent = "";
    this.#actions.replaceChildren(h("p", { role: "alert" }, question), back, button(yes, then));
    back.focus();
  }
}

function savedWords(): string {
  if (APP === null) return words("showing.saved");
  return APP === "" ? words("showing.saved_in_other_app") : words("showing.saved_in_app", { app: APP });
}

function unseenWords(count: number, of: number): string {
  return of === 1 ? words("showing.unseen_only") : words("showing.unseen", { count });
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
    return words("showing.copied");
  } catch {
    // Without TLS there is no clipboard interface: this copies the selection instead.
    getSelection()?.selectAllChildren(shown);
    return document.execCommand("copy") ? words("showing.copied") : words("showing.not_copied");
  }
}
