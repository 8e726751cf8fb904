// Reports to the operator of the relay: of the share that this browser has opened, while it is open and for an hour
// after its end. The keys are encrypted to the operator at the claim, so that nothing kept for a report decrypts
// anything here.

import { button, h, live, pause } from "./dom.ts";
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
import { inParentheses, message, type TextKey, time, words } from "./texts.ts";

const HOST = location.host;
/** For how long after its end a share can be reported, in seconds. */
const HOLD_S = 3600;
/** The longest note, in characters. */
const MAX_NOTE = 2000;
/** The longest contact of an operator, in UTF-16 units. */
const MAX_CONTACT = 200;

/** The share of this page that can be reported or was. It is here too, for browsers that store nothing. */
let current: Reportable | null = null;
/** Its report, once a screen offers it. */
let latest: Report | null = null;

/**
 * Prepares the report of a share that was claimed, and saves it for an hour after the end of the lease. Over plain http
 * nothing can be reported: others on the network could pose as the operator.
 */
export async function prepare(keys: Keys, claimToken: Uint8Array, claimed: Claimed, lease: number): Promise<void> {
  const { recipient, contact } = claimed.report ?? {};
  const to = publicKeyOf(recipient);
  if (to === null || typeof contact !== "string" || !(location.protocol === "https:" || isSecureContext)) return;
  const sealed = wasReported(keys.id) ? null : await seal(to, keysFor(keys, claimToken)).catch(() => null);
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

const isSame = (id: Uint8Array, other: Uint8Array | undefined) =>
  other !== undefined && journal.nameOf(id) === journal.nameOf(other);

function kept(id: Uint8Array): Reportable | null {
  const found = isSame(id, current?.id) ? current : journal.reportable(id);
  return found !== null && found.until > journal.now() ? found : null;
}

/** The report that is possible of a share; `null`: none, or no longer. */
export function reportable(id: Uint8Array): Reportable | null {
  return wasReported(id) ? null : kept(id);
}

/** Whether this browser has reported a share. What is left of the report while the share is open has no keys. */
export function wasReported(id: Uint8Array): boolean {
  return kept(id)?.keys.length === 0;
}

/** The share has ended. `at`: Unix seconds of the relay's clock, or 0 for now. */
export function ended(id: Uint8Array, at = 0): void {
  const what = kept(id);
  const now = journal.now();
  // This browser's clock may be wrong. The relay decides.
  const end = at > now - HOLD_S && at < now ? at : now;
  // Of a share that was reported after its end, nothing is stored.
  if (what === null || (what.keys.length === 0 && journal.reportable(id) === null)) return;
  save({ ...what, until: Math.min(what.until, end + HOLD_S) });
}

/** The share was closed: nothing is stored any more of one that was reported. */
export function closed(id: Uint8Array): void {
  if (!wasReported(id)) return;
  current = kept(id);
  journal.forgetReport(id);
}

/** The report of a share; `null`: none is possible. */
export function reportOf(id: Uint8Array): Report | null {
  const what = reportable(id);
  if (isSame(id, latest?.id) && (what !== null || latest!.outcome !== "")) return latest;
  return (latest = what && new Report(what));
}

/** The question before a report, and the report. */
export class Report {
  #opener: string | null = null;
  #note = "";
  #isSending = false;
  #outcome = () => "";
  /** Whether nothing is left to do. */
  isOver = false;
  /** Called with the outcome when it changes while no dialog shows it. */
  changed = (_outcome: string) => {};

  constructor(private readonly what: Reportable) {
    void openersWords(claimantOf(what.id, what.claimToken)).then((opener) => (this.#opener = opener));
  }

  get id(): Uint8Array {
    return this.what.id;
  }

  /** The words for what happened, in the present language, which no dialog shows; "": nothing yet. */
  get outcome(): string {
    return this.#outcome();
  }

  /** Asks, with what the operator will see. */
  ask(): void {
    if (this.isOver || this.#isSending) return;
    const dialog = new ReportDialog(this.what, this.#opener, this.#note, (note) => void this.#send(note, dialog));
    dialog.changed = (note) => (this.#note = note);
    dialog.closed = () => {
      if (this.outcome !== "") this.changed(this.outcome);
    };
  }

  /** The screen that has shown the outcome is left. */
  leave(): void {
    if (this.isOver) this.#outcome = () => "";
  }

  async #send(note: string, dialog: ReportDialog): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    this.#outcome = () => words("report.sending");
    dialog.say(this.outcome);
    const outcome = await this.#sent(note);
    this.#isSending = false;
    const isShown = !this.isOver && dialog.isOpen;
    this.#outcome = isShown ? () => "" : outcome;
    if (isShown) return dialog.say(outcome());
    // Screen readers read nothing outside of an open dialog.
    if (dialog.isOpen) dialog.close();
    else this.changed(this.outcome);
  }

  /** Sends the report. Returns the words for the outcome. */
  async #sent(note: string): Promise<() => string> {
    const { id, claimToken, keys, recipient, contact } = this.what;
    const outcome = (key: TextKey) => () => words(key, { host: HOST, contact: printable(contact) });
    try {
      const sealed = note === "" ? null : await seal(publicKeyOf(recipient)!, noteFor(id, note));
      const isNew = await relay.report({ id, token: claimToken }, keys, sealed);
      this.#end(true);
      return outcome(isNew ? "report.done" : "report.again");
    } catch (error) {
      if (error instanceof NotNow) return outcome(error.isFull ? "report.full" : "report.failed");
      const why = error instanceof Refusal ? error.why : null;
      if (why !== "too-late") return outcome(why === "fronted" ? "report.failed" : "report.refused");
      this.#end(false);
      return outcome("report.late");
    }
  }

  #end(isReported: boolean): void {
    const { id } = this.what;
    this.isOver = true;
    current = isReported ? { ...this.what, keys: new Uint8Array() } : null;
    // A reload of the open share must not offer another report.
    if (current !== null && journal.remembered(id)?.stage === "opening") save(current);
    else journal.forgetReport(id);
  }
}

/** The dialog. The browser's way back and the Escape key close it, as its first button does. */
class ReportDialog {
  changed = (_note: string) => {};
  closed = () => {};
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
    pause();
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
    this.closed();
  }

  readonly #back = () => {
    this.#hasEntry = false;
    this.close();
  };
}

/**
 * The button below a message about a share that has ended, as long as it can be reported; or `null`. `deletion`: the
 * paragraph before it, which is shown until the share is reported.
 */
export function reportButton(id: Uint8Array, deletion = ""): Node | null {
  const before = h("p", { hidden: wasReported(id) }, deletion);
  const report = reportOf(id);
  if (report === null) return deletion === "" ? null : before;
  const what = reportable(id);
  const status = live();
  const at = what && time(what.until);
  const until = h("p", { className: "note" }, at && words("report.until", { host: HOST, at }));
  const press = button(words("showing.report"), () => report.ask());
  press.prepend(icon("report"));
  report.changed = (outcome) => {
    status.textContent = outcome;
    press.setAttribute("aria-disabled", String(report.isOver));
    until.hidden = report.isOver;
    before.hidden = deletion === "" || wasReported(id);
  };
  report.changed(report.outcome);
  const section = h("section", { className: "reporting" }, until, press, status);
  if (what !== null)
    setTimeout(() => {
      if (!report.isOver) section.remove();
      journal.forgetReport(id);
    }, 1000 * (what.until - journal.now()));
  const both = document.createDocumentFragment();
  both.append(before, section);
  return both;
}
