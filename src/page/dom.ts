// The elements of the page. Content of a share is only ever text, or the source of an `img`, `video` or `audio`
// element: never markup.

import { IS_PHONE } from "./app.ts";
import type { LinkError } from "./link.ts";
import { type Message, message, words } from "./texts.ts";

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

/** Replaces the content of the page. It is not drawn again in another language until the next screen. */
export function fill(...children: Child[]): void {
  setAgain(null);
  const shown = children.filter((child) => child !== null);
  // Older browsers have no `:has()`.
  const hasOpener = shown.some((child) => child instanceof Element && child.classList.contains("opener"));
  place().classList.toggle("enveloped", hasOpener);
  place().replaceChildren(...shown);
}

/** Replaces the content of the page. The heading gets the focus, so that a screen reader starts there. */
export function screen(title: Child, ...children: Child[]): void {
  const heading = h("h1", { tabIndex: -1 }, title);
  fill(heading, ...children);
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Shows a message, with further elements below it. */
export function showMessage({ title, lines }: Message, ...children: Child[]): void {
  screen(title, ...lines.map((line) => h("p", {}, line)), ...children);
}

/** Pauses everything that plays. */
export function pause(): void {
  for (const media of document.querySelectorAll<HTMLMediaElement>("video, audio")) media.pause();
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
export function button(word: string, pressed: (event: MouseEvent) => void, className = ""): HTMLButtonElement {
  return h("button", { type: "button", className, onclick: pressed }, word);
}

/** How to open the link without this page; `null` on a phone, which has no terminal. */
export function commandLine(): HTMLElement | null {
  if (IS_PHONE) return null;
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
