// Clicks, presses and keys as WebDriver actions, for Firefox and WebKit. A subclass provides `value({ code })`,
// `perform(actions)` and `pointer`, which is "mouse" or "touch".

import { setTimeout as sleep } from "node:timers/promises";

/** Deadline for an element to appear and stop moving, in milliseconds. */
const THERE_MS = 10_000;
/** Deadline for two frames, in milliseconds. */
const FRAME_MS = 500;

const KEYS = {
  Backspace: "\uE003",
  Tab: "\uE004",
  Enter: "\uE007",
  Shift: "\uE008",
  Control: "\uE009",
  Alt: "\uE00A",
  Escape: "\uE00C",
  PageUp: "\uE00E",
  PageDown: "\uE00F",
  End: "\uE010",
  Home: "\uE011",
  ArrowLeft: "\uE012",
  ArrowUp: "\uE013",
  ArrowRight: "\uE014",
  ArrowDown: "\uE015",
  Delete: "\uE017",
};
const keyOf = (name) => KEYS[name] ?? name;

/** Builds an expression for the first match of a selector: CSS with an optional `:text-is('Word')` at its end. */
function first(selector) {
  const [, css, , word] = /^(.*?)(:text-is\((.*)\))?$/.exec(selector);
  const all = `[...document.querySelectorAll(${JSON.stringify(css)})]`;
  return word === undefined ? `${all}[0]` : `${all}.find((each) => each.innerText.trim() === ${word})`;
}

export class Input {
  /**
   * Finds the center of an element once it has stopped moving and nothing covers it. The page may draw in its next
   * frame, which is late on a busy machine, and never comes in a window that is not shown.
   */
  async #center(selector) {
    const code = `(async () => {
      const frame = (next) => requestAnimationFrame(() => requestAnimationFrame(next));
      await Promise.race([new Promise(frame), new Promise((next) => setTimeout(next, ${FRAME_MS}))]);
      const element = ${first(selector)};
      if (!element || element.disabled) return null;
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const { x, y, width, height } = element.getBoundingClientRect();
      const [left, top] = [Math.round(x + width / 2), Math.round(y + height / 2)];
      const there = document.elementFromPoint(left, top);
      return element.contains(there) ? [left, top] : null;
    })()`;
    let last = null;
    for (const end = Date.now() + THERE_MS; Date.now() < end; await sleep(20)) {
      const found = await this.value({ code });
      if (found !== null && String(found) === String(last)) return found;
      last = found;
    }
    throw new Error(`${selector} did not appear, or something covers it`);
  }

  async #press(selector, milliseconds, pointerType) {
    const [x, y] = await this.#center(selector);
    const wait = { type: "pause", duration: milliseconds };
    const actions = [
      { type: "pointerMove", x, y },
      { type: "pointerDown", button: 0 },
      wait,
      { type: "pointerUp", button: 0 },
    ];
    await this.perform([{ type: "pointer", id: pointerType, parameters: { pointerType }, actions }]);
  }

  #keys = (actions) => this.perform([{ type: "key", id: "keys", actions }]);

  click = ({ selector }) => this.#press(selector, 0, this.pointer);
  tap = ({ selector }) => this.#press(selector, 0, "touch");
  hold({ selector, milliseconds }) {
    return this.#press(selector, milliseconds, this.pointer);
  }
  /** Moves fingers; see gestures.mjs. */
  async draw({ strokes }) {
    const still = (duration) => ({ type: "pause", duration });
    const move = ([x, y], duration) => ({ type: "pointerMove", x: Math.round(x), y: Math.round(y), duration });
    // Every source has as many actions as the others: each column is one moment.
    const source = (finger) =>
      strokes.flatMap(({ fingers, milliseconds, pause }) => {
        const steps = fingers[0].length - 1;
        const path = fingers[finger];
        if (path === undefined) return Array.from({ length: steps + 4 }, () => still(0));
        const [first, ...others] = path;
        return [
          move(first, 0),
          { type: "pointerDown", button: 0 },
          ...others.map((point) => move(point, Math.round(milliseconds / steps))),
          { type: "pointerUp", button: 0 },
          still(pause),
        ];
      });
    const count = Math.max(...strokes.map(({ fingers }) => fingers.length));
    await this.perform(
      Array.from({ length: count }, (_, finger) => ({
        type: "pointer",
        id: `finger-${finger}`,
        parameters: { pointerType: "touch" },
        actions: source(finger),
      })),
    );
  }
  /** Turns the wheel by `by` pixels at a point; with `control`, as a trackpad's pinch does. */
  async wheel({ x, y, by, control = false }) {
    const still = { type: "pause", duration: 0 };
    const scroll = { type: "scroll", x, y, deltaX: 0, deltaY: by };
    const keys = [{ type: "keyDown", value: KEYS.Control }, still, { type: "keyUp", value: KEYS.Control }];
    const sources = [{ type: "wheel", id: "wheel", actions: [still, scroll, still] }];
    if (control) sources.push({ type: "key", id: "keys", actions: keys });
    await this.perform(sources);
  }
  type = ({ text }) =>
    this.#keys(
      [...text].flatMap((value) => [
        { type: "keyDown", value },
        { type: "keyUp", value },
      ]),
    );
  press({ key }) {
    const keys = (key.length > 1 ? key.split("+") : [key]).map(keyOf);
    return this.#keys([
      ...keys.map((value) => ({ type: "keyDown", value })),
      ...keys.reverse().map((value) => ({ type: "keyUp", value })),
    ]);
  }
  async holdKey({ selector, key, milliseconds }) {
    await this.value({ code: `${first(selector)}.focus()` });
    const value = keyOf(key);
    await this.#keys([
      { type: "keyDown", value },
      { type: "pause", duration: milliseconds },
      { type: "keyUp", value },
    ]);
  }
}
