// Reports to the operator of the relay: of the share that this browser has opened, while it is open and for an hour
// after its end. The keys are encrypted to the operator at the claim, so that nothing kept for a report decrypts
// anything here.

import { button, h, live } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Reportable } from "./journal.ts";
import * as journal from "./journal.ts";
import { openersWords } from "./opener.ts";
import { AGAIN_MS } from "./question.ts";
import type { Claimed } from "./relay.ts";
import { NotNow, Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import { printable } from "./safe_text.ts";
import { keysFor, noteFor, publicKeyOf, seal } from "./sealed.ts";
import { claimantOf, type Keys } from "./secret.ts";
import { inParentheses, message, time, words } from "./texts.ts";

const HOST = location.host;
/** For how long after its end a share can be reported, in seconds. */
const HOLD_S = 3600;
/** The longest note, in characters. */
const MAX_NOTE = 2000;
/** The longest contact of an operator, in UTF-16 units. */
const MAX_CONTACT = 200;

/** The report of the share of this page. It is here too, for browsers that store nothing. */
let current: Reportable | null = null;

/**
 * Prepares the report of a share that was claimed, and saves it for an hour after the end of the lease. Over plain http
 * nothing can be reported: others on the network could pose as the operator.
 */
export async function prepare(keys: Keys, claimToken: Uint8Array, claimed: Claimed, lease: number): Promise<void> {
  const { recipient, contact } = claimed.report ?? {};
  const to = publicKeyOf(recipient);
  if (to === null || typeof contact !== "string" || !(location.protocol === "https:" || isSecureContext)) return;
  const sealed = await seal(to, keysFor(keys, claimToken)).catch(() => null);
  if (sealed === null) return;
  save({
    stage: "reportable",
    id: keys.id,
    claimToken,
    keys: sealed,
    recipient: recipient as string,
    contact: contact.slice(0, MAX_CONTACT),
    until: lease + HOLD_S,
  });
}

function save(what: Reportable): void {
  current = what;
  journal.keep(what.id, what);
}

/** The report that is possible of a share; `null`: none, or no longer. */
export function reportable(id: Uint8Array): Reportable | null {
  const isSame = current !== null && journal.nameOf(current.id) === journal.nameOf(id);
  const found = isSame ? current : journal.reportable(id);
  return found !== null && found.until > journal.now() ? found : null;
}

/** The share has ended. `at`: Unix seconds, or 0 for now. */
export function ended(id: Uint8Array, at = 0): void {
  const what = reportable(id);
  const end = Math.min(journal.now(), at || Infinity);
  if (what !== null) save({ ...what, until: Math.min(what.until, end + HOLD_S) });
}

/** No report is possible any more: it was made, or it is too late. */
function forget(id: Uint8Array): void {
  current = null;
  journal.forgetReport(id);
}

/** The question before a report, and the report. */
export class Report {
  #opener: string | null = null;
  #note = "";
  #isSending = false;
  /** Whether nothing is left to do. */
  isOver = false;

  /** `outcome` is called with the words for what happened while no dialog shows them. */
  constructor(
    private readonly what: Reportable,
    private readonly outcome: (text: string) => void,
  ) {
    void openersWords(claimantOf(what.id, what.claimToken)).then((opener) => (this.#opener = opener));
  }

  /** Asks, with what the operator will see. */
  ask(): void {
    if (this.isOver || this.#isSending) return;
    const dialog = new ReportDialog(this.what, this.#opener, this.#note, (note) => void this.#send(note, dialog));
    dialog.changed = (note) => (this.#note = note);
  }

  async #send(note: string, dialog: ReportDialog): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    dialog.say(words("report.sending"));
    const text = await this.#sent(note);
    this.#isSending = false;
    if (!this.isOver && dialog.isOpen) return dialog.say(text);
    // Screen readers read nothing outside of an open dialog.
    dialog.close();
    this.outcome(text);
  }

  /** Sends the report. Returns the words for the outcome. */
  async #sent(note: string): Promise<string> {
    const { id, claimToken, keys, recipient, contact } = this.what;
    try {
      const sealed = note === "" ? null : await seal(publicKeyOf(recipient)!, noteFor(id, note));
      const isNew = await relay.report({ id, token: claimToken }, keys, sealed);
      this.#end();
      return words(isNew ? "report.done" : "report.again");
    } catch (error) {
      if (error instanceof NotNow && !error.isFull) return words("report.failed", { host: HOST });
      if (error instanceof Refusal && error.why === "too-late") {
        this.#end();
        return words("report.late");
      }
      const key = error instanceof NotNow ? "report.full" : "report.refused";
      return words(key, { host: HOST, contact: printable(contact) });
    }
  }

  #end(): void {
    this.isOver = true;
    forget(this.what.id);
  }
}

/** The dialog. The browser's way back and the Escape key close it, as its first button does. */
class ReportDialog {
  changed = (_note: string) => {};
  readonly #dialog: HTMLDialogElement;
  readonly #status = live();
  readonly #before = document.activeElement;
  readonly #shown = performance.now();
  /** The entry in the browser's history that is this dialog's own. The viewer has one for everything on it. */
  #hasEntry = !document.documentElement.classList.contains("viewing");

  constructor({ contact }: Reportable, opener: string | null, note: string, send: (note: string) => void) {
    const values = { host: HOST, contact: printable(contact), opener: inParentheses(opener) };
    const { title, lines } = message("report.ask", values);
    const heading = h("h2", { id: "report", tabIndex: -1 }, title);
    const field: HTMLTextAreaElement = h("textarea", {
      id: "note",
      rows: 3,
      maxLength: MAX_NOTE,
      value: note,
      oninput: () => this.changed(field.value),
    });
    const back = button(words("showing.back"), () => this.close(), "main");
    const go = button(words("showing.report"), (event) => {
      // A program's click, or the second one of a double click on the button that asks.
      if (event.isTrusted && event.timeStamp - this.#shown >= AGAIN_MS) send(field.value.trim());
    });
    this.#dialog = h(
      "dialog",
      {},
      heading,
      ...lines.map((line) => h("p", {}, line)),
      h("label", { htmlFor: "note" }, words("report.note")),
      field,
      h("div", { className: "answers" }, this.#status, h("div", { className: "row" }, back, go)),
    );
    this.#dialog.setAttribute("aria-labelledby", heading.id);
    this.#dialog.oncancel = (event) => {
      event.preventDefault();
      this.close();
    };
    document.querySelector("main")!.append(this.#dialog);
    this.#dialog.showModal();
    heading.focus();
    if (this.#hasEntry) history.pushState(history.state, "");
    addEventListener("popstate", this.#back);
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  say(text: string): void {
    this.#status.textContent = text;
  }

  close(): void {
    if (!this.isOpen) return;
    this.#dialog.close();
    this.#dialog.remove();
    removeEventListener("popstate", this.#back);
    if (this.#hasEntry) history.back();
    // A browser that gives a button no focus when it is pressed.
    const isLost = this.#before === null || this.#before === document.body;
    const place = isLost ? document.querySelector("h1") : (this.#before as HTMLElement);
    place?.focus({ preventScroll: true });
  }

  readonly #back = () => {
    this.#hasEntry = false;
    this.close();
  };
}

/** The button below a message about a share that has ended, as long as it can be reported; or `null`. */
export function reportButton(id: Uint8Array): HTMLElement | null {
  const what = reportable(id);
  if (what === null) return null;
  const status = live();
  const report = new Report(what, (text) => {
    status.textContent = text;
    press.setAttribute("aria-disabled", String(report.isOver));
    until.hidden = report.isOver;
  });
  const press = button(words("showing.report"), () => report.ask());
  press.prepend(icon("report"));
  const until = h("p", { className: "note" }, words("report.until", { host: HOST, at: time(what.until) }));
  const section = h("section", { className: "reporting" }, until, press, status);
  setTimeout(() => {
    if (!report.isOver) section.remove();
    journal.forgetReport(id);
  }, 1000 * (what.until - journal.now()));
  return section;
}
