// The viewer: one file after another on a dark stage, and the end.

import { APP } from "./app.ts";
import { Bar } from "./bar.ts";
import { codecName } from "./codecs.ts";
import { fill, h, live, theirs } from "./dom.ts";
import { ending } from "./ending.ts";
import { icon } from "./icons.ts";
import { judge, type Judgment } from "./judgment.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { defaultName, kindOf } from "./media.ts";
import { media } from "./player.ts";
import { ask } from "./question.ts";
import { type Report, reportOf } from "./reporting.ts";
import { isBlank, printable, safeName } from "./safe_text.ts";
import { handable, MOST_HELD, Saving } from "./saving.ts";
import { isFromRight, Stage, type Step } from "./stage.ts";
import { type Action, Tally } from "./tally.ts";
import { time, words } from "./texts.ts";
import { Thumbnails } from "./thumbnails.ts";

/** The files that are being shown. */
export interface Showing {
  /**
   * Whether leaving the page may finish the share: every file was seen, none is being saved, and inside an app no
   * saved file is unconfirmed, since apps lose saved files.
   */
  done(): boolean;
  /** Removes the files from the page and frees their memory. */
  end(): void;
}

/** The content of an opened share. */
export interface Content {
  readonly id: Uint8Array;
  readonly manifest: Manifest;
  /** The files, as the manifest lists them. */
  readonly blobs: readonly Blob[];
  /** End of the lease, in Unix seconds. */
  readonly until: number;
  /** Whether the relay keeps the share for an hour after its end. */
  readonly isHeld: boolean;
}

/** Shows the files. `close` is called once, when the user closes them. */
export function show(content: Content, close: () => void): Showing {
  return new Viewer(content, close);
}

/** The file on the stage. */
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

/** Albums of more files have no strip of small pictures. */
const MOST_THUMBNAILS = 500;
/** The id of the words about closing. */
const NOTE = "closing";

class Viewer implements Showing {
  readonly #tally: Tally;
  readonly #saving: Saving;
  /** The index of the current file. */
  #at = 0;
  /** The current file once it was judged, and whether this browser can show it. */
  #shown: Shown | null = null;
  #isShown = false;
  /** The address of the blob that is shown. */
  #url: string | null = null;
  /** Changes whenever another element is shown, so that events of earlier ones are ignored. */
  #turns = 0;
  readonly #status = live();
  readonly #title = h("h1", { tabIndex: -1 });
  readonly #count = h("span", { className: "count" });
  /** Names the file for screen readers when the user turns to it. */
  readonly #turned = h("p", { className: "heard", role: "status" });
  readonly #stage: Stage;
  readonly #bar: Bar;
  readonly #thumbnails: Thumbnails | null;
  readonly #sizes = new ResizeObserver(() => this.#measure());
  readonly #main = document.querySelector("main")!;
  readonly #caption: HTMLElement;

  readonly #report: Report | null;
  /** The words about closing. */
  readonly #note = h("p", { id: NOTE, className: "note" });

  constructor(
    private readonly content: Content,
    private readonly close: () => void,
  ) {
    const { manifest, blobs } = content;
    const { entries, viewOnly, name } = manifest;
    const isAlbum = entries.length > 1;
    this.#report = reportOf(content.id);
    if (this.#report !== null) this.#report.changed = (text) => this.#say(text);
    this.#tally = new Tally(entries.length);
    this.#saving = new Saving(manifest, blobs, this.#tally, (text) => this.#say(text));
    this.#stage = new Stage({
      preview: (step) => this.#preview(step),
      turn: (step) => this.#turn(this.#at + step),
      zoomed: (is) => this.#main.classList.toggle("zoomed", is),
    });
    const labels = entries.map((entry) => this.#label(entry, null));
    const hasStrip = isAlbum && entries.length <= MOST_THUMBNAILS;
    this.#thumbnails = hasStrip ? new Thumbnails(entries, blobs, labels, (number) => this.#turn(number)) : null;
    this.#bar = new Bar(this.#actions(), this.#thumbnails?.element ?? null, NOTE, (action) => this.#press(action));
    const album = isAlbum && name !== null ? h("span", { className: "album" }, theirs(printable(name))) : null;
    const below = isAlbum ? h("p", {}, this.#count, album) : null;
    this.#caption = h("div", { className: "caption" }, this.#title, below);
    const notes = h("div", { className: "notes" }, this.#note, this.#status);
    this.#main.oncontextmenu = () => !viewOnly;
    document.body.classList.toggle("view-only", viewOnly);
    document.documentElement.classList.add("viewing");
    fill(this.#caption, this.#stage.element, notes, this.#bar.element, this.#turned);
    this.#title.focus({ preventScroll: true });
    addEventListener("keydown", this.#keys);
    // For a swipe at the edge of the screen, which must not end the share.
    history.pushState(history.state, "");
    addEventListener("popstate", this.#back);
    for (const element of [this.#bar.element, this.#caption]) this.#sizes.observe(element);
    void this.#draw();
  }

  done(): boolean {
    // The end removes what is only on disk.
    const isSure = APP !== null || this.content.manifest.total > MOST_HELD;
    const isSaved = this.#saving.packing === null && !(isSure && this.#tally.unsure.size > 0);
    return this.#tally.seen.size === this.#tally.count && isSaved;
  }

  end(): void {
    this.#turns += 1;
    removeEventListener("keydown", this.#keys);
    removeEventListener("popstate", this.#back);
    this.#main.oncontextmenu = null;
    this.#sizes.disconnect();
    this.#forget();
    this.#stage.end();
    this.#thumbnails?.end();
    this.#saving.end();
    this.#report?.leave();
    this.#main.classList.remove("zoomed");
    document.body.classList.remove("view-only");
    document.documentElement.classList.remove("viewing");
  }

  /** The buttons of this share. */
  #actions(): Action[] {
    const { entries, viewOnly } = this.content.manifest;
    const isAlbum = entries.length > 1;
    const has = (type: string) => entries.some((entry) => entry.type === type);
    const saving: [Action, boolean][] = [
      ["copy", has("text/plain")],
      ["share", "canShare" in navigator],
      ["save", true],
      ["saveAll", isAlbum],
    ];
    return [
      "close",
      ...saving.filter(([, is]) => is && !viewOnly).map(([action]) => action),
      ...(this.#report === null ? [] : (["report"] as const)),
      ...(isAlbum ? (["previous", "next"] as const) : []),
    ];
  }

  /** Tells the style the sizes of the bar and the caption, which must not cover a text or a video. */
  #measure(): void {
    const { width, height } = this.#bar.element.getBoundingClientRect();
    this.#main.style.setProperty("--bar-width", `${width}px`);
    this.#main.style.setProperty("--bar-height", `${height}px`);
    this.#main.style.setProperty("--caption-height", `${this.#caption.getBoundingClientRect().height}px`);
  }

  readonly #keys = (event: KeyboardEvent) => {
    const { target, key } = event;
    if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]") !== null) return;
    // Players and sliders use the arrows for seeking, and a text the other keys for scrolling.
    if (target instanceof HTMLMediaElement || target instanceof HTMLInputElement) return;
    if (this.#stage.key(event)) return event.preventDefault();
    const last = this.#tally.count - 1;
    const isText = target instanceof HTMLPreElement;
    if (key === "ArrowLeft" || key === "ArrowRight")
      this.#turn(this.#at + ((key === "ArrowRight") !== isFromRight() ? 1 : -1));
    else if (key === "Home" && !isText) this.#turn(0);
    else if (key === "End" && !isText) this.#turn(last);
  };

  #press(action: Action): void {
    const shown = this.#shown;
    if (action === "close") this.#closing();
    else if (action === "previous") this.#turn(this.#at - 1);
    else if (action === "next") this.#turn(this.#tally.after(this.#at) ?? this.#at);
    else if (action === "saveAll") void this.#saving.all();
    else if (action === "report") this.#report!.ask();
    else if (shown === null) return;
    else if (action === "save") {
      const type = shown.showable?.type ?? "application/octet-stream";
      this.#saving.download(shown.blob, type, shown.fileName, [shown.number]);
    } else if (action === "share") void this.#share(shown);
    else void copied(shown.text!, this.#stage.element).then((outcome) => (this.#status.textContent = outcome));
  }

  async #share({ file, number }: Shown): Promise<void> {
    if (file !== null && !(await this.#saving.share([file], [number])))
      this.#status.textContent = words("showing.not_shared");
  }

  #turn(to: number): void {
    if (to === this.#at || to < 0 || to >= this.#tally.count) return;
    this.#at = to;
    const { entries } = this.content.manifest;
    const name = this.#label(entries[to]!, null);
    const focused = document.activeElement as HTMLElement;
    this.#turned.textContent = words("showing.turned", { name, number: to + 1, count: entries.length });
    void this.#draw();
    // Not every file has the element that had the focus.
    if (focused.hidden || !focused.isConnected) this.#title.focus({ preventScroll: true });
  }

  #preview(step: Step): HTMLElement | null {
    const to = this.#at + step;
    return to < 0 || to >= this.#tally.count ? null : (this.#thumbnails?.preview(to) ?? null);
  }

  /** Removes the current file from the page and frees its memory. */
  #forget(placeholder: HTMLElement | null = null): void {
    this.#stage.clear(placeholder);
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  /** Counts a file as seen, at the latest when the page becomes visible. */
  #see(number: number, mine: number): void {
    if (mine !== this.#turns) return;
    if (document.hidden)
      return document.addEventListener("visibilitychange", () => this.#see(number, mine), { once: true });
    this.#tally.seen.add(number);
    this.#refresh();
  }

  /** Shows the current file. */
  async #draw(): Promise<void> {
    const { manifest, blobs } = this.content;
    const mine = ++this.#turns;
    const [number, entry, blob] = [this.#at, manifest.entries[this.#at]!, blobs[this.#at]!];
    this.#shown = null;
    this.#forget(this.#thumbnails?.preview(number));
    this.#status.textContent = "";
    this.#count.textContent = words("showing.of", { number: number + 1, count: manifest.entries.length });
    this.#title.replaceChildren(theirs(this.#label(entry, null)));
    this.#refresh();
    const judgment = await judge(entry, blob);
    if (mine !== this.#turns) return;
    const label = this.#label(entry, judgment);
    this.#title.replaceChildren(theirs(label));
    const fileName = safeName(entry.name ?? manifest.name, defaultName(entry.type));
    const file = manifest.viewOnly ? null : handable(blob, fileName, judgment.showable?.type ?? entry.type);
    this.#put({ ...judgment, number, entry, blob, fileName, file }, label, mine);
  }

  /** The name of a file, or else its kind. */
  #label(entry: Entry, judgment: Judgment | null): string {
    const { name, entries } = this.content.manifest;
    const own = entry.name ?? (entries.length === 1 ? name : null);
    return own === null ? words(`showing.${judgment?.showable?.kind ?? kindOf(entry.type)}`) : printable(own);
  }

  /** Puts a file on the stage. `label` names it for screen readers; `mine` is the turn that shows it. */
  #put(shown: Shown, label: string, mine: number): void {
    const { showable, text, blob, number } = shown;
    const saw = () => this.#see(number, mine);
    [this.#shown, this.#isShown] = [shown, true];
    if (blob.size === 0) {
      this.#stage.show("message", icon("file"), h("p", {}, words("showing.empty")));
      saw();
    } else if (text !== null) {
      const className = this.content.manifest.viewOnly ? "kept" : "";
      this.#stage.show("text", h("pre", { tabIndex: 0, className }, text));
      if (isBlank(text)) this.#status.textContent = words("showing.blank");
      saw();
    } else if (showable !== null) {
      this.#url = URL.createObjectURL(blob.slice(0, blob.size, showable.type));
      const element = media(showable, this.#url, label, saw, () => this.#unshown(shown, mine));
      if (element instanceof HTMLImageElement) this.#stage.photo(element);
      else this.#stage.show(showable.kind === "video" ? "video" : "sound", element);
    } else {
      this.#unshown(shown, mine);
    }
    this.#refresh();
  }

  /** Replaces a file that this browser cannot show by the reason. */
  #unshown(shown: Shown, mine: number): void {
    if (mine !== this.#turns) return;
    // Ignores later events of the element that was shown so far.
    this.#turns += 1;
    this.#tally.seen.delete(shown.number);
    this.#forget();
    this.#isShown = false;
    const codec = shown.picture === null ? null : codecName(shown.picture);
    const kind = shown.showable?.kind ?? kindOf(shown.entry.type);
    this.#stage.show("message", icon(kind), h("p", {}, this.#reason(shown, codec)));
    this.#refresh();
  }

  /** The reason why a file is not shown. */
  #reason({ showable }: Shown, codec: string | null): string {
    if (this.content.manifest.viewOnly) {
      const until = time(this.content.until);
      if (codec === null) return words("showing.not_at_all", { until });
      return words("showing.not_at_all_codec", { codec, until });
    }
    if (showable === null) return words("showing.not_shown");
    return codec === null ? words("showing.not_here") : words("showing.not_here_codec", { codec });
  }

  /** Shows words about what was done, and what that changes. */
  #say(text: string): void {
    this.#status.textContent = text;
    this.#refresh();
  }

  /** Adapts the bar and the strip to what was seen and saved. */
  #refresh(): void {
    const { viewOnly } = this.content.manifest;
    const [shown, tally] = [this.#shown, this.#tally];
    this.#note.textContent = ending(this.content, viewOnly);
    const isText = shown !== null && shown.text !== null && shown.blob.size > 0;
    // Inside apps downloads often fail, so sharing is the main action there.
    const save = APP !== null && shown !== null && shown.file !== null ? "share" : "save";
    const cannot = shown !== null && !this.#isShown && !viewOnly ? save : null;
    const hidden: Action[] = [...(isText ? [] : (["copy"] as const)), ...(shown?.file ? [] : (["share"] as const))];
    const idle: Action[] = [
      ...(this.#at === 0 ? (["previous"] as const) : []),
      ...(tally.after(this.#at) === null ? (["next"] as const) : []),
      ...(this.#report?.isOver ? (["report"] as const) : []),
    ];
    this.#bar.set({ hidden: new Set(hidden), idle: new Set(idle), main: tally.main(this.#at, cannot) });
    const isLoading = this.#isShown && shown?.showable?.kind === "photo" && !tally.seen.has(this.#at);
    this.#thumbnails?.mark(this.#at, (number) => tally.has(number), shown !== null && !isLoading);
  }

  /** Asks before the browser's way back, even if there is nothing else to ask. */
  readonly #back = () => {
    // Another link in the address bar, which starts the page again.
    if (location.hash !== "") return;
    history.pushState(history.state, "");
    if (document.querySelector("dialog[open]") !== null) return;
    this.#closing(ending(this.content));
  };

  /** Closes, after a question if a file was not seen or may not have arrived, or else the question `sure`. */
  #closing(sure = ""): void {
    if (this.#saving.packing !== null) return void (this.#status.textContent = this.#saving.packing);
    const missing = this.#tally.missing();
    const [first] = missing;
    if (first === undefined) return this.#arrived(sure);
    const { count } = this.#tally;
    const question =
      count === 1 ? words("showing.unseen_only") : words("showing.unseen", { count: missing.length });
    this.#ask(question, first, words("showing.anyway"), () => this.#arrived());
  }

  /** Closes, after a question if a saved file may not have arrived, or else the question `sure`. */
  #arrived(sure = ""): void {
    const { unsure } = this.#tally;
    const [first] = unsure;
    if (first === undefined)
      return sure === "" ? this.close() : this.#ask(sure, this.#at, words("showing.anyway"), this.close);
    this.#ask(words("showing.arrived", { count: unsure.size }), first, words("showing.there"), this.close);
  }

  /** Asks a question: the safe answer goes back to the file `to`, the other calls `then`. */
  #ask(question: string, to: number, yes: string, then: () => void): void {
    const goBack = () => {
      this.#turn(to);
      this.#title.focus({ preventScroll: true });
    };
    ask(question, { words: words("showing.back"), then: goBack }, { words: yes, then });
  }
}

/** Copies a text, which is the content of `shown`. Returns the words for the outcome. */
async function copied(text: string, shown: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return words("showing.copied");
  } catch {
    // Without TLS there is no clipboard interface: this copies the selection instead.
    getSelection()?.selectAllChildren(shown.querySelector("pre")!);
    return document.execCommand("copy") ? words("showing.copied") : words("showing.not_copied");
  }
}
