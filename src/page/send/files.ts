// The chosen files on the screen before sending: a small picture of each, and what is removed from it.

import { button, h, theirs } from "../dom.ts";
import { kindAndSize } from "../envelope.ts";
import { icon as shared } from "../icons.ts";
import { kindOf } from "../media.ts";
import { printable } from "../safe_text.ts";
import { small } from "../thumbnails.ts";
import type { Added, Draft } from "./draft.ts";
import { icon } from "./icons.ts";
import { verdictWords } from "./metadata.ts";
import { words } from "./texts.ts";

/** Files that are listed at once. */
const BATCH = 50;
/** Characters of a text that are shown. */
const MOST_TEXT = 200;

/** Whether a file has a warning, which is shown before sending however many files there are. */
const isBad = ({ isUnclean, looked }: Added) => isUnclean || looked === "unreadable";

/** The list of what was chosen. */
export class Files {
  readonly element = h("ul", { className: "chosen" });
  readonly #rows = new Map<Added, Row>();
  readonly #more = button(words("review.more"), () => this.#extend(), "link");
  #drawing: Promise<void> = Promise.resolve();
  #isOver = false;

  /** `changed` is called when the user has removed something. */
  constructor(
    private readonly draft: Draft,
    private readonly changed: (removed: string) => void,
  ) {
    // Safari does not announce lists without bullets as lists otherwise.
    this.element.setAttribute("role", "list");
    if (draft.text !== "") this.element.append(this.#text());
    this.#extend();
  }

  /** The list, and the button that lengthens it. */
  get nodes(): Node[] {
    return [this.element, this.#more];
  }

  /** The page has looked at a file. */
  update(file: Added): void {
    const row = this.#rows.get(file);
    if (row !== undefined) row.update();
    else if (isBad(file)) this.element.prepend(this.#row(file));
  }

  /** Lists a file, and draws its small picture after those before it: browsers decode whole photos for them. */
  #row(file: Added): HTMLElement {
    const row = new Row(file, () => this.#remove(file));
    this.#rows.set(file, row);
    this.#drawing = this.#drawing.then(async () => {
      if (!this.#isOver && row.element.isConnected) await row.draw();
    });
    return row.element;
  }

  end(): void {
    this.#isOver = true;
  }

  /** Lists more files. Those with a warning come first. */
  #extend(): void {
    const next = this.draft.files.filter((file) => !this.#rows.has(file));
    const bad = next.filter(isBad);
    const rest = next.filter((file) => !isBad(file)).slice(0, BATCH);
    this.element.append(...[...bad, ...rest].map((file) => this.#row(file)));
    this.#more.hidden = this.draft.files.length === this.#rows.size;
  }

  #remove(file: Added): void {
    const { element } = this.#rows.get(file)!;
    const neighbor = element.nextElementSibling ?? element.previousElementSibling;
    element.remove();
    this.#rows.delete(file);
    this.draft.remove(file);
    neighbor?.querySelector("button")?.focus();
    this.changed(nameOf(file));
  }

  #text(): HTMLElement {
    const { text } = this.draft;
    const remove = () => {
      row.remove();
      this.draft.text = "";
      this.changed(words("showing.text"));
    };
    const start = text.slice(0, MOST_TEXT);
    const row = h(
      "li",
      {},
      h("span", { className: "thumbnail" }, shared("text")),
      h("div", {}, h("p", { className: "written" }, theirs(printable(start) + (start === text ? "" : "…")))),
      removal(words("showing.text"), remove),
    );
    return row;
  }
}

/** The name of a file, or else its kind. */
function nameOf(file: Added): string {
  return file.name === null ? words(`showing.${kindOf(file.type)}`) : printable(file.path.join("/"));
}

function removal(name: string, remove: () => void): HTMLButtonElement {
  const press = button("", remove, "remove");
  press.append(icon("remove"));
  press.setAttribute("aria-label", words("review.remove", { name }));
  return press;
}

class Row {
  readonly element: HTMLLIElement;
  readonly #thumbnail = h("span", { className: "thumbnail" });
  readonly #fact = h("p", { className: "fact" });
  readonly #verdict = h("p", { className: "verdict" });

  constructor(
    private readonly file: Added,
    remove: () => void,
  ) {
    const name = nameOf(file);
    const facts = h("div", {}, h("p", { className: "name" }, theirs(name)), this.#fact, this.#verdict);
    this.element = h("li", {}, this.#thumbnail, facts, removal(name, remove));
    this.update();
  }

  update(): void {
    const { type, size } = this.file;
    const { text, isWarning } = verdictWords(this.file);
    this.#fact.textContent = kindAndSize({ type, size });
    this.#verdict.textContent = text;
    this.#verdict.classList.toggle("stays", isWarning);
    if (isWarning) this.#verdict.prepend(icon("alert"));
    if (this.#thumbnail.querySelector("canvas") === null) this.#thumbnail.replaceChildren(shared(kindOf(type)));
  }

  async draw(): Promise<void> {
    const canvas = await small(this.file.content).catch(() => null);
    canvas?.setAttribute("aria-hidden", "true");
    if (canvas !== null) this.#thumbnail.replaceChildren(canvas);
  }
}
