// A question over the stage, before something that cannot be undone.

import { button, h } from "./dom.ts";

/** An answer: its words and what it does. */
export interface Answer {
  readonly words: string;
  readonly then: () => void;
}

/** A press so soon after an answer, in milliseconds, answers no other question: it may belong to a double tap. */
export const AGAIN_MS = 400;
/** The time of the last answer that was not the safe one, which may ask the next question, as in events. */
let answered = -Infinity;

/** Asks a question on the page. The safe answer is highlighted, and is also that of the Escape key. */
export function ask(question: string, safe: Answer, other: Answer): void {
  const dialog = h("dialog", {});
  const answer = ({ timeStamp }: Event, then: () => void) => {
    if (timeStamp - answered < AGAIN_MS) return;
    if (then === other.then) answered = timeStamp;
    dialog.close();
    dialog.remove();
    then();
  };
  const back = button(safe.words, (event) => answer(event, safe.then), "main");
  const text = h("p", { id: "question" }, question);
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-labelledby", text.id);
  dialog.oncancel = (event) => {
    event.preventDefault();
    answer(event, safe.then);
  };
  const buttons = h("div", { className: "row" }, back, button(other.words, (event) => answer(event, other.then)));
  dialog.append(text, buttons);
  document.querySelector("main")!.append(dialog);
  dialog.showModal();
  back.focus();
}
