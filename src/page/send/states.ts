// The states of shares that were sent from here: asked of the relay, in words, and revoked.

import { button, h } from "../dom.ts";
import { ask } from "../question.ts";
import { isOver, type Kept, type State } from "../upload/outbox.ts";
import { follow, revoke } from "../upload/status.ts";
import { HOST } from "./state.ts";
import { time, words } from "./texts.ts";

/** The state of a share in words. */
function stateWords({ word, at: since, opener, isProven }: State, sent: number): string {
  const at = time(since ?? sent);
  if (word === "unknown") return words("state.unknown", { host: HOST });
  if (word === "finished" && !isProven) return words("state.unproven", { at });
  const isNamed = word === "claimed" || word === "finished" || word === "lapsed" || word === "revoked";
  return isNamed && opener !== null ? words(`state.${word}_by`, { at, opener }) : words(`state.${word}`, { at });
}

/** The state of a share: a line that follows it, and the button that revokes it. */
export class Watched {
  readonly line = h("p", { className: "state", tabIndex: -1 });
  readonly revoke: HTMLButtonElement;
  #state: State;

  /**
   * `say` shows words about what was done, and `heard` reads out what has happened. `ended` is called when the link
   * opens nothing any more.
   */
  constructor(
    private readonly kept: Kept,
    private readonly say: (text: string) => void,
    private readonly heard: HTMLElement,
    private readonly ended = () => {},
  ) {
    this.revoke = button(words("kept.revoke"), () => this.#ask());
    this.#state = kept.state;
    this.#draw(false);
  }

  /** Follows the share until it has ended, or until `stop`. */
  follow(stop: AbortSignal): void {
    if (isOver(this.#state)) this.#draw(true);
    else void follow(this.kept, (state) => this.#set(state), stop).catch(() => {});
  }

  #set(state: State): void {
    const isNews = state.word !== this.#state.word;
    this.#state = state;
    this.#draw(true);
    const who = this.kept.recipient === null ? "" : `${this.kept.recipient}: `;
    if (isNews) this.heard.textContent = who + this.line.textContent;
    if (isOver(state)) this.ended();
  }

  /** `isSure`: the relay has just reported the state. */
  #draw(isSure: boolean): void {
    const state = this.#state;
    const hadFocus = document.activeElement === this.revoke;
    this.line.textContent = stateWords(state, this.kept.at);
    this.line.className = `state ${state.word}${isSure ? "" : " asking"}`;
    this.revoke.hidden = isOver(state);
    if (hadFocus && this.revoke.hidden) this.line.focus();
  }

  #ask(): void {
    if (this.revoke.getAttribute("aria-disabled") === "true") return;
    const then = () => void this.#revoke();
    const keep = { words: words("kept.keep"), then: () => this.revoke.focus() };
    const question = this.#state.word === "claimed" ? "kept.revoke_late_ask" : "kept.revoke_ask";
    ask(words(question), keep, { words: words("kept.revoke"), then });
  }

  async #revoke(): Promise<void> {
    this.say(words("kept.revoking"));
    this.revoke.focus();
    this.revoke.setAttribute("aria-disabled", "true");
    const state = await revoke(this.kept).catch(() => null);
    this.revoke.setAttribute("aria-disabled", "false");
    this.say("");
    if (state === null) this.say(words("kept.not_revoked", { host: HOST }));
    else this.#set(state);
  }
}
