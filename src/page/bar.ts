// The bar of controls over the stage. Its buttons are the same for all files of a share, so that none moves.

import { button, h } from "./dom.ts";
import { type Icon, icon } from "./icons.ts";
import type { Action } from "./tally.ts";
import { type TextKey, words } from "./texts.ts";

const LABELS: Readonly<Record<Action, TextKey>> = {
  close: "showing.close",
  copy: "showing.copy",
  share: "showing.share",
  save: "showing.save",
  saveAll: "showing.save_all",
  report: "showing.report",
  previous: "showing.previous",
  next: "showing.next",
};

/** The state of the buttons for one file. */
export interface Offer {
  /** Buttons that do not apply to this file. Their places stay empty. */
  readonly hidden: ReadonlySet<Action>;
  /** Buttons that cannot do anything now. They keep the focus, so that the arrow keys go on. */
  readonly idle: ReadonlySet<Action>;
  /** The button that is highlighted. */
  readonly main: Action | null;
}

/** The bar. */
export class Bar {
  readonly element: HTMLElement;
  readonly #buttons = new Map<Action, HTMLButtonElement>();

  /** `above`: what lies above the buttons. `note`: the id of what describes closing. */
  constructor(actions: readonly Action[], above: HTMLElement | null, note: string, pressed: (action: Action) => void) {
    for (const action of actions) {
      const made = button(words(LABELS[action]), () => pressed(action), action);
      made.prepend(icon(action satisfies Icon));
      this.#buttons.set(action, made);
    }
    this.#buttons.get("close")?.setAttribute("aria-describedby", note);
    this.element = h("div", { className: "bar" }, above, h("div", { className: "buttons" }, ...this.#buttons.values()));
  }

  set(offer: Offer): void {
    for (const [action, element] of this.#buttons) {
      element.hidden = offer.hidden.has(action);
      element.classList.toggle("main", offer.main === action);
      element.setAttribute("aria-disabled", String(offer.idle.has(action)));
    }
  }
}
