// A question over the stage, before something that cannot be undone.

import { button, h } from "./dom.ts";

/** An answer: its words and what it does. */
export interface Answer {
  readonly words: string;
  readonly then: () => void;
}

/** Asks a question on the page. The safe answer is highlighted, and is also that of the Escape key. */
export function ask(question: string, safe: Answer, other: Answer): void {
  const dialog = h("dialog", {});
  const answer = (then: () => void) => {
    dialog.close();
    dialog.remove();
    then();
  };
  const back = button(safe.words, () => answer(safe.then), "main");
  const text = h("p", { id: "question" }, question);
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-labelledby", text.id);
  dialog.oncancel = (event) => {
    event.preventDefault();
    answer(safe.then);
  };
  const buttons = h("div", { className: "row" }, back, button(other.words, () => answer(other.then)));
  dialog.append(text, buttons);
  document.querySelector("main")!.append(dialog);
  dialog.showModal();
  back.focus();
}
