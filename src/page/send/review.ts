// The screen before sending: what the recipient will see, the files with what is removed from them, and the options.

import { button, h, live, redrawable, screen, theirs } from "../dom.ts";
import { kindAndSize, written } from "../envelope.ts";
import { kindOf } from "../media.ts";
import { isBlank, printable } from "../safe_text.ts";
import { ageLenOf, padded } from "../upload/blob.ts";
import type { Draft } from "./draft.ts";
import { Files } from "./files.ts";
import { icon } from "./icons.ts";
import { takeIn } from "./intake.ts";
import { OptionFields } from "./options.ts";
import { HOST, page } from "./state.ts";
import { size, time, words } from "./texts.ts";

/** The ways from this screen: to add more files, and to send. */
export interface Next {
  readonly back: () => void;
  readonly send: () => void;
}

/** Shows what was chosen. `notice`: words about what happened before. */
export function review(next: Next, notice = () => ""): void {
  redrawable(() => new Review(page.draft!, next).show(notice()));
}

class Review {
  readonly #preview = h("div", { className: "preview-card" });
  readonly #files: Files;
  readonly #options: OptionFields;
  readonly #limit = h("p", { id: "limit", className: "limit", role: "status" });
  readonly #status = live();
  readonly #create: HTMLButtonElement;
  /** The drawing that the browser will do; 0: none. */
  #frame = 0;

  constructor(
    private readonly draft: Draft,
    private readonly next: Next,
  ) {
    // Once for each picture of the browser, however many files the page has looked at since the last one.
    const changed = () => {
      if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#draw());
    };
    this.#create = button("", () => this.#send(), "main");
    this.#create.setAttribute("aria-describedby", this.#limit.id);
    this.#files = new Files(draft, (removed) => {
      if (draft.isEmpty) return next.back();
      this.#status.textContent = words("review.removed", { name: removed });
      this.#draw();
    });
    this.#options = new OptionFields(draft, page.about!.maxTtl, changed);
    this.draft.looked = (file) => {
      this.#files.update(file);
      changed();
    };
    takeIn({
      files: (chosen, isAll) => {
        if (chosen.length === 0) return void (this.#status.textContent = words("choose.missing"));
        draft.add(chosen);
        review(next, () => (isAll ? "" : words("choose.missing")));
      },
      text: () => {},
    });
  }

  show(notice: string): void {
    const add = button(words("review.add"), () => this.next.back(), "add");
    add.prepend(icon("add"));
    screen(
      words("review.title"),
      h("h2", { className: "overline" }, words("review.preview")),
      this.#preview,
      h("h2", {}, words("review.files")),
      ...this.#files.nodes,
      add,
      h("div", { className: "options" }, ...this.#options.elements),
      h("div", { className: "opener sending" }, this.#status, this.#limit, this.#create),
    );
    this.#status.textContent = notice;
    this.#draw();
  }

  #send(): void {
    this.#options.finish();
    this.#draw();
    if (this.#create.getAttribute("aria-disabled") === "true") {
      this.#status.textContent = this.draft.isLooking ? words("review.looking") : this.#limit.textContent;
      return;
    }
    this.#files.end();
    this.next.send();
  }

  /** Draws what depends on the files and the options. */
  #draw(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#options.refresh();
    const { draft } = this;
    const links = Math.max(draft.options.recipients.length, 1);
    const limit = tooMuch(draft, links);
    const unclean = draft.files.filter(({ isUnclean }) => isUnclean).length;
    const warning = unclean === 0 ? "" : words("review.unclean", { count: unclean });
    const isReady = limit === "" && !draft.isLooking;
    this.#limit.textContent = limit || warning;
    this.#create.textContent = words(links === 1 ? "review.create" : "review.create_many", { count: links });
    this.#create.setAttribute("aria-disabled", String(!isReady));
    this.#preview.replaceChildren(...envelope(draft).filter((node) => node !== null));
  }
}

/** The envelope that the recipient will see. */
function envelope({ parts, options, passphrase, isViewOnly }: Draft): (Node | null)[] {
  const [first] = parts;
  const only = parts.length === 1 && first!.path.length < 2 ? first! : null;
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const said = (text: string) => (isBlank(text) ? null : text);
  const name = only?.path.at(-1);
  const fact = (text: string) => h("p", { className: "fact" }, text);
  const expires = Math.floor(Date.now() / 1000) + options.ttl;
  const title = only ? words(`for_you.${kindOf(only.type)}`) : words("for_you.files", { count: parts.length });
  return [
    h("p", { className: "for-you" }, title),
    // In a manifest, both are one line.
    written({ from: said(options.from), note: said(options.note.replace(/\p{Cc}+/gu, " ")) }),
    name === undefined ? null : h("p", { className: "name clamped" }, theirs(printable(name))),
    fact(only ? kindAndSize(only) : words("waiting.files", { count: parts.length, size: size(total) })),
    passphrase === null ? null : fact(words("review.asks")),
    isViewOnly ? fact(words("waiting.view_only")) : null,
    fact(words("waiting.expires", { at: time(expires) })),
  ];
}

/** The reason why this cannot be sent, such as a limit of the relay or of the token; "": none. */
function tooMuch(draft: Draft, links: number): string {
  const unread = draft.files.filter(({ looked }) => looked === "unreadable").length;
  if (unread > 0) return words("review.unread", { count: unread });
  // Relays count encrypted bytes with their padding.
  const length = padded(ageLenOf(draft.parts.reduce((sum, { size }) => sum + size, 0)));
  const { maxSize = null, shares = null, bytes = null, resets = null } = page.allowance ?? {};
  const most = Math.min(page.about!.maxBytes, maxSize ?? Infinity);
  if (length > most) return words("review.too_large", { host: HOST, max: size(most) });
  const until = time(resets ?? 0);
  if (shares !== null && links > shares) return words("review.too_many_links", { max: shares, until });
  if (bytes !== null && links * length > bytes) return words("review.too_many_bytes", { max: size(bytes), until });
  return "";
}
