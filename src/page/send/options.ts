// The options of a share: when it expires, the passphrase, the words of the sender, and its recipients.

import { button, h, theirs } from "../dom.ts";
import { wordlist } from "../opener.ts";
import { MAX_FROM, MAX_NOTE } from "../manifest.ts";
import type { Draft } from "./draft.ts";
import { icon } from "./icons.ts";
import { duration, type TextKey, words } from "./texts.ts";

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
/** The times from which users choose, in seconds. */
const TIMES = [HOUR_S, DAY_S, 7 * DAY_S, 14 * DAY_S, 30 * DAY_S, 90 * DAY_S];
/** The time that is chosen at first, as in the program. */
const USUAL_S = 14 * DAY_S;
/** Words of a suggested passphrase: 44 bits. */
const PASSPHRASE_WORDS = 4;
/** The most links at once, and the longest name of a recipient in characters. */
const MOST_RECIPIENTS = 20;
const MAX_RECIPIENT = 60;

/** The times from which users choose, and the longest one that the relay allows. In seconds. */
function times(most: number): number[] {
  return [...TIMES.filter((time) => time < most), Math.min(most, TIMES.at(-1)!)];
}

/** The time that is chosen at first. `most`: the relay's limit. In seconds. */
export const usualTime = (most: number) => Math.min(most, USUAL_S);

/** The controls of the options. `most`: the relay's limit, in seconds. `changed` is called after every change. */
export class OptionFields {
  readonly #viewOnly = h("input", { id: "view-only", type: "checkbox" });
  readonly #why = h("p", { id: "view-only-why", className: "note" });
  readonly elements: HTMLElement[];
  /** Adds a recipient that was typed and not added. */
  finish = () => {};

  constructor(
    private readonly draft: Draft,
    most: number,
    private readonly changed: () => void,
  ) {
    this.elements = [this.#times(most), this.#viewing(), this.#words(), this.#passphrase(), this.#recipients()];
    this.refresh();
  }

  /** Adapts the controls to what was chosen. */
  refresh(): void {
    const cannot = this.draft.hasSavedOnly;
    this.#viewOnly.disabled = cannot;
    this.#viewOnly.checked = this.draft.isViewOnly;
    this.#why.textContent = words(cannot ? "options.view_only_cannot" : "options.view_only_why");
  }

  #times(most: number): HTMLElement {
    const { options } = this.draft;
    const choices = times(most).map((time) =>
      h("option", { value: String(time), selected: time === options.ttl }, duration(time)),
    );
    const select: HTMLSelectElement = h(
      "select",
      {
        id: "expires",
        onchange: () => {
          options.ttl = Number(select.value);
          this.changed();
        },
      },
      ...choices,
    );
    return h("div", { className: "option" }, h("label", { htmlFor: "expires" }, words("options.expires")), select);
  }

  #viewing(): HTMLElement {
    const box = this.#viewOnly;
    box.setAttribute("aria-describedby", "view-only-why");
    box.onchange = () => {
      this.draft.options.viewOnly = box.checked;
      this.changed();
    };
    const label = h("label", { htmlFor: "view-only" }, words("options.view_only"));
    return h("div", { className: "option" }, label, box, this.#why);
  }

  #words(): HTMLElement {
    const { options } = this.draft;
    const from: HTMLInputElement = h("input", {
      ...{ id: "from", value: options.from, maxLength: MAX_FROM, autocomplete: "off" },
      oninput: () => {
        options.from = from.value;
        this.changed();
      },
    });
    const note: HTMLTextAreaElement = h("textarea", {
      ...{ id: "note", rows: 2, value: options.note, maxLength: MAX_NOTE, autocomplete: "off" },
      oninput: () => {
        options.note = note.value;
        this.changed();
      },
    });
    return this.#unfolding("options.words", labeled("options.from", from), labeled("options.note", note));
  }

  #passphrase(): HTMLElement {
    const { options } = this.draft;
    // The passphrase is shown: the sender has to tell it to the recipient. Spelling and autocorrection services of some
    // browsers send what is typed to a server.
    const field: HTMLInputElement = h("input", {
      ...{ id: "passphrase", value: options.passphrase, autocomplete: "off", spellcheck: false },
      oninput: () => {
        options.passphrase = field.value;
        this.changed();
      },
    });
    field.setAttribute("autocapitalize", "none");
    field.setAttribute("autocorrect", "off");
    field.setAttribute("aria-describedby", "passphrase-why");
    const suggest = button(words("options.suggest"), () => {
      void suggested().then((passphrase) => {
        if (passphrase === null) return;
        field.value = options.passphrase = passphrase;
        this.changed();
      });
    }, "link");
    const why = h("p", { id: "passphrase-why", className: "note" }, words("options.passphrase_why"));
    return this.#unfolding("passphrase.label", labeled("passphrase.label", field), suggest, why);
  }

  #recipients(): HTMLElement {
    const { options } = this.draft;
    const list = h("ul", { className: "recipients" });
    list.setAttribute("role", "list");
    const draw = () => {
      list.replaceChildren(...options.recipients.map((name) => h("li", {}, theirs(name), removal(name))));
      field.disabled = add.disabled = options.recipients.length >= MOST_RECIPIENTS;
      this.changed();
    };
    const removal = (name: string) => {
      const press = button("", () => {
        options.recipients.splice(options.recipients.indexOf(name), 1);
        draw();
        field.focus();
      }, "remove");
      press.append(icon("remove"));
      press.setAttribute("aria-label", words("review.remove", { name }));
      return press;
    };
    this.finish = () => {
      const name = field.value.trim();
      field.value = options.recipient = "";
      if (name === "" || options.recipients.includes(name)) return;
      options.recipients.push(name);
      draw();
    };
    const field: HTMLInputElement = h("input", {
      ...{ id: "recipient", value: options.recipient, maxLength: MAX_RECIPIENT, autocomplete: "off" },
      oninput: () => {
        options.recipient = field.value;
      },
    });
    const add = h("button", { type: "submit" }, words("options.add"));
    const form = h(
      "form",
      {
        onsubmit: (event: SubmitEvent) => {
          event.preventDefault();
          this.finish();
        },
      },
      h("label", { htmlFor: "recipient" }, words("options.recipient")),
      h("div", { className: "row" }, field, add),
    );
    const made = this.#unfolding(
      "options.recipients",
      h("p", { className: "note" }, words("options.recipients_why")),
      list,
      form,
    );
    draw();
    return made;
  }

  /** Controls below a heading, which stay folded or unfolded when the screen is drawn again. */
  #unfolding(key: TextKey, ...inside: Node[]): HTMLElement {
    const { unfolded } = this.draft;
    const details: HTMLDetailsElement = h(
      "details",
      {
        open: unfolded.has(key),
        ontoggle: () => {
          if (details.open) unfolded.add(key);
          else unfolded.delete(key);
        },
      },
      h("summary", {}, words(key)),
      ...inside,
    );
    return details;
  }
}

function labeled(key: TextKey, field: HTMLElement): HTMLElement {
  return h("div", { className: "field" }, h("label", { htmlFor: field.id }, words(key)), field);
}

/** A passphrase of random words; `null` without their list. */
async function suggested(): Promise<string | null> {
  const words = await wordlist().catch(() => null);
  // The list has 2048 words: eleven bits choose each without a bias.
  const bits = crypto.getRandomValues(new Uint16Array(PASSPHRASE_WORDS));
  return words && [...bits].map((each) => words[each & 0x7ff]!).join(" ");
}
