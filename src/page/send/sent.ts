// The screen after sending: the links and the ways to their recipients, what was removed, and whether they were opened.

import { button, h, live, redrawable, screen } from "../dom.ts";
import { ask } from "../question.ts";
import { together } from "../strip/look.ts";
import type { Sent } from "../upload/sending.ts";
import type { Draft } from "./draft.ts";
import { goBack, onBack } from "./history.ts";
import { linkCard } from "./link.ts";
import { removedWords } from "./metadata.ts";
import { page } from "./state.ts";
import { Watched } from "./states.ts";
import { time, words } from "./texts.ts";

/** Shows the links. `next` shows the screen after the user has left this one, which forgets the links. */
export function showSent(sent: readonly Sent[], draft: Draft, next: () => void): void {
  const screen = new SentScreen(sent, draft, next);
  redrawable(() => screen.draw());
}

class SentScreen {
  /** Links that were neither copied nor shared. */
  readonly #unshared: Set<Sent>;
  /** Ends what follows the shares on the screen. */
  #stop = new AbortController();

  constructor(
    private readonly sent: readonly Sent[],
    private readonly draft: Draft,
    private readonly next: () => void,
  ) {
    this.#unshared = new Set(sent);
    page.isBusy = () => this.#unshared.size > 0;
    this.#guard();
  }

  draw(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { sent, draft } = this;
    const isOne = sent.length === 1;
    const heard = h("p", { className: "heard", role: "status" });
    const at = time(Math.min(...sent.map(({ expires }) => expires)));
    screen(
      words(isOne ? "sent.title" : "sent.titles"),
      h("p", {}, words(isOne ? "sent.once" : "sent.once_each", { at })),
      draft.passphrase === null ? null : this.#passphrase(draft.passphrase),
      h("div", { className: "sent" }, ...sent.map((each) => this.#card(each, heard))),
      ...this.#metadata(),
      h("p", { className: "note" }, words(isOne ? "sent.gone" : "sent.gone_all")),
      h("div", { className: "row end" }, button(words("sent.done"), () => goBack())),
      heard,
    );
  }

  #card(each: Sent, heard: HTMLElement): HTMLElement {
    const { link, kept } = each;
    const status = live();
    const say = (text: string) => (status.textContent = text);
    const passed = () => this.#unshared.delete(each);
    // A link that opens nothing any more is not missed.
    const watched = new Watched(kept, say, heard, passed);
    watched.follow(this.#stop.signal);
    return h(
      "section",
      {},
      ...linkCard(link, kept.recipient, this.sent.length === 1, say, passed),
      status,
      h("div", { className: "row fate" }, watched.line, watched.revoke),
    );
  }

  #passphrase(passphrase: string): HTMLElement {
    const shown = h("code", { className: "passphrase" }, passphrase);
    return h("p", { className: "warning" }, words("sent.passphrase"), " ", shown);
  }

  /** Notes on the metadata: what was removed, and whether something may remain. */
  #metadata(): HTMLElement[] {
    const { files } = this.draft;
    const all = files.map(({ removed }) => removed).filter((removed) => removed !== null);
    const what = removedWords(together(all));
    const notes = [
      what === null ? null : words("sent.removed", { what }),
      files.some(({ isUnclean }) => isUnclean) ? words("sent.stayed") : null,
    ];
    return notes.filter((text) => text !== null).map((text) => h("p", { className: "note" }, text));
  }

  /** The way back leaves this screen, after a question if a link has not gone anywhere. */
  #guard(): void {
    onBack(() => {
      if (this.#unshared.size === 0) return this.#leave();
      this.#guard();
      const stay = { words: words("showing.back"), then: () => document.querySelector("h1")?.focus() };
      // The way back takes the entry of the history along that this guard has made.
      const go = () => {
        onBack(() => this.#leave());
        goBack();
      };
      const leave = { words: words("sent.leave"), then: go };
      ask(words(this.sent.length === 1 ? "sent.unshared" : "sent.unshared_some"), stay, leave);
    });
  }

  #leave(): void {
    this.#stop.abort();
    page.isBusy = () => false;
    this.next();
  }
}
