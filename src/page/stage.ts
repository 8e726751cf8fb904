// The stage: the dark screen on which one file is shown, and its gestures.

import { h } from "./dom.ts";
import { listen } from "./gestures.ts";
import type { Point } from "./geometry.ts";
import { Picture } from "./picture.ts";
import { words } from "./texts.ts";

/** A neighbor of the file on the stage: the next (1) or the previous one (-1). */
export type Step = 1 | -1;

/** The part of the viewer that the stage uses. */
export interface Viewing {
  /** A small picture of a neighbor; `null`: there is none. */
  preview(step: Step): HTMLElement | null;
  turn(step: Step): void;
  zoomed(isZoomed: boolean): void;
}

/** A swipe over this part of the width turns, or a faster one, in CSS pixels per millisecond. */
const FAR = 0.25;
const FAST = 0.35;
/** The time that a neighbor takes to its place, in milliseconds. */
const GLIDE_MS = 180;
/** The height of a video's own controls, in CSS pixels: swipes there are for them. */
const CONTROLS = 96;
/** The factor of a step of the keyboard, and of a unit of the mouse's wheel. */
const STEP = 1.5;
const WHEEL = 1.0025;
const WHEEL_PINCH = 1.01;
/** The distance of an arrow key on a zoomed picture, in CSS pixels. */
const ARROW = 80;

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: ARROW, y: 0 },
  ArrowRight: { x: -ARROW, y: 0 },
  ArrowUp: { x: 0, y: ARROW },
  ArrowDown: { x: 0, y: -ARROW },
};

/** Whether the page is read from right to left, so that the next file is on the left. */
export const isFromRight = () => getComputedStyle(document.documentElement).direction === "rtl";

/** Whether the user has magnified the page itself. */
const isMagnified = () => visualViewport!.scale > 1;

/** The stage. */
export class Stage {
  readonly element = h("div", { className: "stage" });
  readonly #track = h("div", { className: "track" });
  readonly #pane = h("div", { className: "pane" });
  /** Zooms for keyboards and screen readers. It lies behind the picture and is as large as the stage. */
  readonly #zoom = h("button", { type: "button", className: "zoom" });
  readonly #sizes = new ResizeObserver(() => this.#picture?.resize());
  #picture: Picture | null = null;
  /** The end of a swipe, while a neighbor moves to its place. */
  #gliding: Animation | null = null;

  constructor(private readonly viewing: Viewing) {
    this.#zoom.setAttribute("aria-label", words("showing.zoom"));
    // A click with a pointer is a tap, which the gestures handle.
    this.#zoom.onclick = ({ detail }) => {
      if (detail === 0) this.#picture?.toggle(null);
    };
    this.#track.append(this.#pane);
    this.element.append(this.#zoom, this.#track);
    this.clear();
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#sizes.observe(this.element);
    visualViewport!.onresize = () => document.body.classList.toggle("magnified", isMagnified());
    listen(this.element, {
      begins: (event) => this.#begins(event),
      zooms: () => this.#picture !== null,
      pans: () => this.#picture?.isZoomed ?? false,
      tap: (at) => this.#picture?.toggle(at),
      pan: (x, y) => this.#picture?.pan(x, y),
      pinch: (by, from, to) => this.#picture?.pinch(by, from, to),
      pinched: () => this.#picture?.settle(),
      swipe: (x) => this.#swipe(x),
      swiped: (x, speed) => this.#swiped(x, speed),
    });
  }

  /** Removes the file, and puts a placeholder in its place. */
  clear(placeholder: HTMLElement | null = null): void {
    for (const media of this.#pane.querySelectorAll<HTMLMediaElement>("video, audio")) {
      media.pause();
      media.removeAttribute("src");
      media.load();
    }
    this.#put("waiting", ...(placeholder === null ? [] : [placeholder]));
  }

  /** Shows a photo. A placeholder stays until it is loaded. */
  photo(image: HTMLImageElement): void {
    const placeholder = this.#pane.firstElementChild;
    this.#put("photo", ...(placeholder === null ? [] : [placeholder]), image);
    image.addEventListener("load", () => {
      placeholder?.remove();
      image.classList.add("loaded");
    });
    this.#zoom.hidden = false;
    this.#picture = new Picture(image, this.element, (isZoomed) => {
      this.#zoom.setAttribute("aria-pressed", String(isZoomed));
      this.viewing.zoomed(isZoomed);
    });
  }

  /** Shows anything else. */
  show(kind: "video" | "sound" | "text" | "message", ...children: (HTMLElement | SVGElement)[]): void {
    this.#put(kind, ...children);
  }

  /** Handles a key. Returns whether it was one of the stage's. */
  key({ key, target }: KeyboardEvent): boolean {
    const picture = this.#picture;
    const isFree = !(target instanceof HTMLButtonElement);
    const arrow = ARROWS[key];
    if (picture === null) return false;
    if (key === "+" || key === "=") picture.isZoomed ? picture.zoomBy(STEP, null) : picture.toggle(null);
    else if (key === "Enter" && isFree) picture.toggle(null);
    else if (key === "-") picture.zoomBy(1 / STEP, null);
    else if (key === "0" || (key === "Escape" && picture.isZoomed)) picture.fit(true);
    else if (arrow !== undefined && picture.isZoomed) picture.pan(arrow.x, arrow.y);
    else return false;
    return true;
  }

  end(): void {
    this.clear();
    this.#sizes.disconnect();
  }

  #put(kind: string, ...children: (Element | string)[]): void {
    this.#gliding?.cancel();
    this.#gliding = null;
    this.#picture = null;
    this.#zoom.hidden = true;
    this.#track.style.transform = "";
    this.#track.replaceChildren(this.#pane);
    this.#pane.className = `pane ${kind}`;
    this.element.className = `stage ${kind}`;
    this.#pane.replaceChildren(...children);
    this.viewing.zoomed(false);
  }

  #begins(event: PointerEvent): boolean {
    this.#gliding?.finish();
    const target = event.target as Element;
    // The browser also moves a page that it has magnified.
    if (isMagnified() || target.closest("button:not(.zoom), input, summary") !== null) return false;
    const media = target.closest("video, pre");
    // A mouse selects text, and drags a video's controls.
    if (media === null || event.pointerType === "mouse") return media === null;
    return media.tagName !== "VIDEO" || event.clientY < media.getBoundingClientRect().bottom - CONTROLS;
  }

  #wheel(event: WheelEvent): void {
    if (this.#picture === null) return;
    event.preventDefault();
    // Firefox may count lines. A pinch on a touchpad arrives as a wheel with the control key.
    const lines = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 40 : 1);
    const by = (event.ctrlKey ? WHEEL_PINCH : WHEEL) ** -(event.ctrlKey ? Math.max(-25, Math.min(25, lines)) : lines);
    this.#picture.zoomBy(by, { x: event.clientX, y: event.clientY });
  }

  /** The neighbor that comes into view when the finger moves by `x`. */
  #step(x: number): Step {
    return x < 0 !== isFromRight() ? 1 : -1;
  }

  #swipe(x: number): void {
    const side = x < 0 ? "right" : "left";
    const step = this.#step(x);
    const old = this.#track.querySelector<HTMLElement>(".neighbor");
    const isShown = old?.dataset.side === side;
    if (!isShown) {
      old?.remove();
      const preview = this.viewing.preview(step);
      const pane = h("div", { className: `pane neighbor at-${side}` }, preview);
      pane.dataset.side = side;
      pane.dataset.exists = String(preview !== null);
      this.#track.append(pane);
    }
    // At either end the file follows the finger only a little.
    this.#track.style.transform = `translateX(${this.#hasNeighbor() ? x : x / 4}px)`;
  }

  #hasNeighbor(): boolean {
    return this.#track.querySelector<HTMLElement>(".neighbor")?.dataset.exists === "true";
  }

  #swiped(x: number, speed: number): void {
    const width = this.element.clientWidth;
    const isFar = Math.abs(x) > width * FAR || (Math.abs(speed) > FAST && speed < 0 === x < 0);
    const isTurn = x !== 0 && isFar && this.#hasNeighbor();
    const step = this.#step(x);
    const to = isTurn ? Math.sign(x) * width : 0;
    const done = () => {
      this.#gliding = null;
      this.#track.style.transform = "";
      this.#track.querySelector(".neighbor")?.remove();
      if (isTurn) this.viewing.turn(step);
    };
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return done();
    const end = `translateX(${to}px)`;
    this.#gliding = this.#track.animate({ transform: [this.#track.style.transform, end] }, GLIDE_MS);
    this.#track.style.transform = end;
    this.#gliding.onfinish = done;
  }
}
