// Taps, drags, swipes and pinches on the stage, from pointer events. Points are CSS pixels of the viewport.

import type { Point } from "./geometry.ts";

/** The effects of gestures. */
export interface Gestures {
  /** Whether a gesture may begin with this event; otherwise the browser handles the pointer. */
  begins(event: PointerEvent): boolean;
  /** Whether two fingers zoom the picture; otherwise the browser magnifies the page. */
  zooms(): boolean;
  /** Whether one finger moves the picture now, rather than turning to another file. */
  pans(): boolean;
  tap(at: Point): void;
  pan(x: number, y: number): void;
  /** `by`: the factor since the last call; the pixel at `from` moves to `to`. */
  pinch(by: number, from: Point, to: Point): void;
  pinched(): void;
  /** `x`: the distance since the finger was put down. */
  swipe(x: number): void;
  /** `speed`: CSS pixels per millisecond; 0 after a pause. */
  swiped(x: number, speed: number): void;
}

/** A press that moves farther is no tap, in CSS pixels. */
const SLOP = 10;
/** A longer press is no tap: it opens the browser's menu. In milliseconds. */
const TAP_MS = 500;
/** A second tap within this time, in milliseconds, and distance, in CSS pixels, belongs to the first: a double tap. */
const DOUBLE_MS = 350;
const DOUBLE_PX = 40;
/** After a longer rest a finger has no speed, in milliseconds. */
const REST_MS = 80;

const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** Listens for gestures on an element. */
export function listen(stage: HTMLElement, on: Gestures): void {
  const hand = new Hand(stage, on);
  stage.onpointerdown = (event) => hand.down(event);
  stage.onpointermove = (event) => hand.move(event);
  stage.onpointerup = (event) => hand.up(event, true);
  stage.onpointercancel = (event) => hand.up(event, false);
  // Some browsers start to scroll in spite of `touch-action`, and Chromium takes the next tap for the end of that.
  const take = (event: TouchEvent) => {
    if (hand.takes(event.target as Element) && event.cancelable) event.preventDefault();
  };
  stage.addEventListener("touchmove", take, { passive: false });
}

class Hand {
  /** The fingers on the stage and where they are. */
  readonly #fingers = new Map<number, Point>();
  /** The gesture that goes on. `held`: it was decided that this one is none of them. */
  #mode: "press" | "pan" | "swipe" | "pinch" | "held" = "held";
  #start: Point = { x: 0, y: 0 };
  #began = 0;
  #moved = 0;
  #speed = 0;
  #tapped = { at: { x: 0, y: 0 }, time: -Infinity };

  constructor(
    private readonly stage: HTMLElement,
    private readonly on: Gestures,
  ) {}

  /** Whether a moving finger is not the browser's. A text scrolls until it is decided what the finger does. */
  takes(target: Element): boolean {
    return this.#mode === "press" ? target.closest("pre") === null : this.#mode !== "held";
  }

  down(event: PointerEvent): void {
    // The first finger: the browser never told that earlier ones were lifted.
    if (event.isPrimary) this.#fingers.clear();
    if (event.button !== 0 || !this.on.begins(event)) return;
    const point = { x: event.clientX, y: event.clientY };
    this.#fingers.set(event.pointerId, point);
    if (this.#fingers.size === 1) {
      [this.#mode, this.#start, this.#began, this.#speed] = ["press", point, event.timeStamp, 0];
    } else if (this.#fingers.size === 2) {
      if (this.#mode === "swipe") this.on.swiped(0, 0);
      this.#mode = this.on.zooms() ? "pinch" : "held";
      for (const id of this.#fingers.keys()) this.stage.setPointerCapture(id);
    }
  }

  move(event: PointerEvent): void {
    const before = this.#fingers.get(event.pointerId);
    if (before === undefined) return;
    const point = { x: event.clientX, y: event.clientY };
    if (this.#mode === "press" && distance(point, this.#start) > SLOP) this.#decide(point, event.pointerId);
    if (this.#mode === "press") return;
    this.#fingers.set(event.pointerId, point);
    if (this.#mode === "pinch") this.#pinch(event.pointerId, before, point);
    else if (this.#mode === "pan") this.on.pan(point.x - before.x, point.y - before.y);
    else if (this.#mode === "swipe") {
      const time = event.timeStamp - this.#moved;
      if (time > 0) this.#speed = (point.x - before.x) / time;
      this.on.swipe(point.x - this.#start.x);
    }
    this.#moved = event.timeStamp;
  }

  /** Decides what a moving finger does. */
  #decide(point: Point, id: number): void {
    const isAcross = Math.abs(point.x - this.#start.x) > Math.abs(point.y - this.#start.y);
    this.#mode = this.on.pans() ? "pan" : isAcross ? "swipe" : "held";
    // The finger may leave the stage, for the bar.
    if (this.#mode !== "held") this.stage.setPointerCapture(id);
  }

  #pinch(id: number, before: Point, point: Point): void {
    const [other] = [...this.#fingers].filter(([finger]) => finger !== id).map(([, at]) => at);
    if (other === undefined) return;
    const by = distance(point, other) / Math.max(distance(before, other), 1);
    this.on.pinch(by, middle(before, other), middle(point, other));
  }

  /** `counts`: the finger was lifted; otherwise the browser took over. */
  up(event: PointerEvent, counts: boolean): void {
    const point = this.#fingers.get(event.pointerId);
    if (point === undefined) return;
    this.#fingers.delete(event.pointerId);
    const mode = this.#mode;
    // One finger of a pinch goes on as a drag.
    this.#mode = mode === "pinch" && this.#fingers.size === 1 ? "pan" : "held";
    if (mode === "pinch") this.on.pinched();
    if (mode === "press" && counts) this.#tap(event);
    if (mode !== "swipe") return;
    const isResting = event.timeStamp - this.#moved > REST_MS;
    this.on.swiped(counts ? point.x - this.#start.x : 0, isResting ? 0 : this.#speed);
  }

  #tap(event: PointerEvent): void {
    if (event.timeStamp - this.#began > TAP_MS) return;
    const { at, time } = this.#tapped;
    const isSecond = event.timeStamp - time < DOUBLE_MS && distance(this.#start, at) < DOUBLE_PX;
    this.#tapped = { at: this.#start, time: isSecond ? -Infinity : event.timeStamp };
    if (!isSecond) this.on.tap(this.#start);
  }
}
