// The elements of the page. Content of a share is only ever text, or the source of an `img`, `video` or `audio`
// element: never markup.

import type { LinkError } from "./link.ts";
import { isWordToOpen, type Message, message, words } from "./texts.ts";

type Child = Node | string | null;

/** An element. Strings become text. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<Omit<HTMLElementTagNameMap[Tag], "style">> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const place = () => document.querySelector("main")!;

/** Draws the current screen again, in another language; `null` if that would interrupt or lose something. */
let again: (() => void) | null = null;

function setAgain(draw: (() => void) | null): void {
  again = draw;
  document.querySelector<HTMLElement>(".language")!.hidden = draw === null;
}

/** Draws a screen that can be drawn again at any time: on it the reader can choose another language. */
export function redrawable(draw: () => void): void {
  draw();
  // A screen that `draw` has drawn like this knows better how to.
  setAgain(again ?? draw);
}

export const isRedrawable = () => again !== null;

/** Draws the current screen again. */
export function redraw(): void {
  if (again !== null) redrawable(again);
}

/** Replaces the content of the page. The heading gets the focus, so that a screen reader starts there. */
export function screen(title: Child, ...children: Child[]): void {
  setAgain(null);
  const heading = h("h1", { tabIndex: -1 }, title);
  place().replaceChildren(heading, ...children.filter((child) => child !== null));
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Shows a message, with further elements below it. */
export function showMessage({ title, lines }: Message, ...children: Child[]): void {
  screen(title, ...lines.map((line) => h("p", {}, line)), ...children);
}

/** A line that screen readers read out when it changes. */
export function live(): HTMLParagraphElement {
  return h("p", { className: "live", role: "status" });
}

/** The line and the button that are shown while the relay does not answer. */
export interface RetryLine {
  readonly nodes: Node[];
  /** Shows the seconds until the next attempt; `null` hides the line. */
  readonly waits: (seconds: number | null) => void;
  /** Sets what the button does. */
  readonly again: (now: () => void) => void;
}

/** Screen readers read out only that the page waits, and not each second. */
export function retryLine(host: string): RetryLine {
  let wake = () => {};
  const status = h("p", { className: "heard", role: "status" });
  const seen = h("p", { className: "live" });
  seen.setAttribute("aria-hidden", "true");
  const now = button("", () => wake());
  now.hidden = true;
  const waits = (seconds: number | null) => {
    now.hidden = seconds === null;
    now.textContent = words("opening.now");
    status.textContent = seconds === null ? "" : words("opening.waiting", { host });
    seen.textContent = seconds === null ? "" : words("opening.waits", { host, count: seconds });
  };
  return { nodes: [status, seen, now], waits, again: (now) => (wake = now) };
}

/** A button with a word on it. */
export function button(word: string, pressed: () => void, className = ""): HTMLButtonElement {
  return h("button", { type: "button", className, onclick: pressed }, word);
}

/** How to open the link without this page. */
export function commandLine(): HTMLElement {
  const { title, lines } = message("command");
  return h("p", { className: "command" }, title, " ", h("code", {}, "share open"), " ", ...lines);
}

/** The reason why a fragment is not a link. */
export function linkError(error: LinkError): Message {
  return message(`link.${error.why}`, "by" in error ? { count: error.by } : {});
}

/** A stranger's text, isolated so that its direction does not affect the text around it. */
export function theirs(text: string): HTMLElement {
  return h("bdi", {}, text);
}

/** The shortest and the longest press that opens, in milliseconds. */
const HOLD_MS = 1000;
const HOLD_MOST_MS = 6000;

/**
 * The control that opens: a button to hold for a second and let go, with a finger, a mouse or a key; or a word to type.
 * Programs that scan pages click, tap and press long on everything, which must not open a share. `done` is called once.
 */
export function holdToOpen(done: () => void): HTMLElement {
  const status = live();
  let opened = false;
  const open = () => {
    if (opened) return;
    opened = true;
    window.onblur = null;
    done();
  };
  return h("div", { className: "opener" }, holdButton(status, open), status, wordForm(status, open));
}

/** The button to hold. */
function holdButton(status: HTMLElement, open: () => void): HTMLElement {
  const label = h("span", {}, words("hold.button"));
  const hold = h("button", { type: "button", className: "hold" }, label);
  let since: number | null = null;
  /** The pointer or the key that presses. */
  let by: number | string | null = null;
  let frame = 0;
  const draw = () => {
    if (since === null) return;
    const held = performance.now() - since;
    hold.style.setProperty("--held", String(Math.min(held / HOLD_MS, 1)));
    label.textContent = held < HOLD_MS ? words("hold.holding") : words("hold.release");
    if (held > HOLD_MOST_MS) release(false, words("hold.long"));
    else frame = requestAnimationFrame(draw);
  };
  const press = (event: Event, who: number | string) => {
    if (!event.isTrusted) return;
    release(false);
    since = performance.now();
    by = who;
    status.textContent = "";
    hold.classList.add("held");
    draw();
  };
  const release = (counts: boolean, otherwise = "") => {
    if (since === null) return;
    const held = performance.now() - since;
    since = by = null;
    cancelAnimationFrame(frame);
    hold.classList.remove("held");
    hold.style.removeProperty("--held");
    label.textContent = words("hold.button");
    if (counts && held >= HOLD_MS && held <= HOLD_MOST_MS) open();
    else status.textContent = counts ? words("hold.short") : otherwise;
  };
  const slip = () => release(false, words("hold.slipped"));
  hold.onpointerdown = (event) => {
    if (!event.isTrusted || !event.isPrimary || event.button !== 0) return;
    hold.setPointerCapture(event.pointerId);
    press(event, event.pointerId);
  };
  hold.onpointerup = (event) => {
    if (event.pointerId === by) release(event.isTrusted && isInside(hold, event), words("hold.slipped"));
  };
  hold.onpointercancel = slip;
  hold.onlostpointercapture = slip;
  hold.onkeydown = (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) press(event, event.key);
  };
  hold.onkeyup = (event) => {
    if (event.key === by) release(event.isTrusted);
  };
  hold.onblur = slip;
  window.onblur = slip;
  hold.oncontextmenu = (event) => event.preventDefault();
  // A click without a press, as by a screen reader, has no length.
  hold.onclick = (event) => {
    if (event.detail === 0 && status.textContent === "") status.textContent = words("hold.short");
  };
  return hold;
}

function isInside(element: HTMLElement, { clientX, clientY }: PointerEvent): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
}

/** The form for the word, which opens only if a user typed it. */
function wordForm(status: HTMLElement, open: () => void): HTMLElement {
  const input = h("input", { id: "word", autocomplete: "off", spellcheck: false, maxLength: 12 });
  input.setAttribute("autocapitalize", "characters");
  let typed = false;
  input.oninput = (event) => {
    typed = event.isTrusted;
  };
  const onsubmit = (event: SubmitEvent) => {
    event.preventDefault();
    const right = isWordToOpen(input.value);
    if (event.isTrusted && typed && right) open();
    else status.textContent = words("hold.wrong_word");
  };
  return h(
    "form",
    { onsubmit },
    h("label", { htmlFor: "word" }, words("hold.or_type")),
    h("div", { className: "row" }, input, h("button", { type: "submit" }, words("hold.open"))),
  );
}
