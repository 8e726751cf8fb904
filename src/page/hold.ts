// The control that opens a share: a button to hold for a second and let go, with a finger, a mouse or a key; or a word
// to type. Programs that scan pages click, tap and press long on everything, which must not open a share.

import { h, live } from "./dom.ts";
import { isWordToOpen, words } from "./texts.ts";

/** The shortest and the longest press that opens, in milliseconds. */
const HOLD_MS = 1000;
const HOLD_MOST_MS = 6000;
/** The longest input for the word, in UTF-16 units. Input methods write more letters than the word has at first. */
const MAX_WORD = 64;

/** The button, and the form for the word. One of them calls `done`, once. */
export function holdToOpen(done: () => void): { readonly hold: HTMLElement[]; readonly type: HTMLDetailsElement } {
  const status = live();
  let opened = false;
  const open = () => {
    if (opened) return;
    opened = true;
    window.onblur = null;
    done();
  };
  const type = wordForm(status, open);
  // A screen reader can only click: show it the other way.
  const another = () => (type.open = true);
  return { hold: [holdButton(status, open, another), status], type };
}

/** The button to hold. */
function holdButton(status: HTMLElement, open: () => void, another: () => void): HTMLElement {
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
    else if (counts) tooShort();
    else status.textContent = otherwise;
  };
  const tooShort = () => {
    status.textContent = words("hold.short", { word: words("hold.word") });
    another();
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
    if (event.detail === 0 && status.textContent === "") tooShort();
  };
  return hold;
}

function isInside(element: HTMLElement, { clientX, clientY }: PointerEvent): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
}

/** The form for the word, which opens only if a user typed it. */
function wordForm(status: HTMLElement, open: () => void): HTMLDetailsElement {
  const word = words("hold.word");
  const input = h("input", { id: "word", autocomplete: "off", spellcheck: false, maxLength: MAX_WORD });
  input.setAttribute("autocapitalize", "characters");
  /** The value that a user typed; `null`: the last change was a program's. */
  let typed: string | null = null;
  input.oninput = (event) => (typed = event.isTrusted ? input.value : null);
  const isRight = () => input.value === typed && isWordToOpen(typed);
  // An input method uses the first Enter itself: the word opens as soon as it is chosen. In Chromium this event is
  // never trusted; the input events before it are. It also comes when the field loses the focus, which must not open.
  input.addEventListener("compositionend", () => {
    setTimeout(() => {
      if (document.activeElement === input && isRight()) open();
    });
  });
  const onsubmit = (event: SubmitEvent) => {
    event.preventDefault();
    if (event.isTrusted && isRight()) open();
    else status.textContent = words("hold.wrong_word", { word });
  };
  return h(
    "details",
    {},
    h("summary", {}, words("hold.cannot")),
    h("p", {}, words("hold.why")),
    h(
      "form",
      { onsubmit },
      h("label", { htmlFor: "word" }, words("hold.or_type", { word })),
      h("div", { className: "row" }, input, h("button", { type: "submit" }, words("hold.open"))),
    ),
  );
}
