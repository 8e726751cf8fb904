// A photo on the stage, which can be zoomed and moved.

import { bounded, closest, closeUp, fitted, type Place, type Point, resized, type Size, zoomed } from "./geometry.ts";

/** A picture this much larger than fitted counts as zoomed. */
const ZOOMED = 1.01;
/** A pinch to less than this factor of the fitted size fits the picture. */
const SNAP = 1.08;

/** A photo on the stage. */
export class Picture {
  #place: Place | null = null;
  #room: Size;

  /** `changed` is called with whether the picture is zoomed. */
  constructor(
    private readonly image: HTMLImageElement,
    private readonly stage: HTMLElement,
    private readonly changed: (isZoomed: boolean) => void,
  ) {
    this.#room = this.#roomNow();
    // A photo from memory may have been loaded already.
    if (image.complete && image.naturalWidth > 0) this.fit(false);
    else image.addEventListener("load", () => this.fit(false), { once: true });
  }

  get isZoomed(): boolean {
    return this.#place !== null && this.#place.scale > this.#fitted.scale * ZOOMED;
  }

  /** Zooms to the pixels of the picture, or fits it again. `at`: the point touched; without one, the middle. */
  toggle(at: Point | null): void {
    if (this.isZoomed) this.fit(true);
    else this.#zoomTo(closeUp(this.#size, this.#room, devicePixelRatio), at ?? this.#middle, true);
  }

  /** Zooms by a factor at a point. */
  zoomBy(by: number, at: Point | null): void {
    if (this.#place !== null) this.#zoomTo(this.#place.scale * by, at ?? this.#middle, at === null);
  }

  /** Zooms by a factor, so that the pixel at `from` moves to `to`. */
  pinch(by: number, from: Point, to: Point): void {
    if (this.#place === null) return;
    const scale = this.#within(this.#place.scale * by);
    const [start, end] = [this.#inside(from), this.#inside(to)];
    this.#put(zoomed(this.#place, scale, start, end, this.#size, this.#room), false);
  }

  pan(x: number, y: number): void {
    if (this.#place === null) return;
    const moved = { scale: this.#place.scale, x: this.#place.x + x, y: this.#place.y + y };
    this.#put(bounded(moved, this.#size, this.#room), false);
  }

  fit(isAnimated: boolean): void {
    if (this.image.naturalWidth > 0) this.#put(this.#fitted, isAnimated);
  }

  /** Fits a picture that a pinch left about that large. */
  settle(): void {
    if (this.#place !== null && this.#place.scale < this.#fitted.scale * SNAP) this.fit(true);
  }

  /** Adapts to another size of the stage. */
  resize(): void {
    const [before, wasZoomed] = [this.#room, this.isZoomed];
    this.#room = this.#roomNow();
    if (this.#place === null) return;
    if (!wasZoomed || this.#place.scale < this.#fitted.scale) this.fit(false);
    else this.#put(resized(this.#place, this.#size, before, this.#room), false);
  }

  #zoomTo(scale: number, at: Point, isAnimated: boolean): void {
    if (this.#place === null) return;
    const point = this.#inside(at);
    this.#put(zoomed(this.#place, this.#within(scale), point, point, this.#size, this.#room), isAnimated);
  }

  #within(scale: number): number {
    const most = closest(this.#size, this.#room, devicePixelRatio);
    return Math.min(Math.max(scale, this.#fitted.scale), most);
  }

  get #size(): Size {
    return { width: this.image.naturalWidth, height: this.image.naturalHeight };
  }

  get #fitted(): Place {
    return fitted(this.#size, this.#room);
  }

  get #middle(): Point {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    return { x: left + width / 2, y: top + height / 2 };
  }

  #roomNow(): Size {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  /** A point of the viewport as a point of the stage. */
  #inside({ x, y }: Point): Point {
    const { left, top } = this.stage.getBoundingClientRect();
    return { x: x - left, y: y - top };
  }

  #put(place: Place, isAnimated: boolean): void {
    this.#place = place;
    const { style, classList, naturalWidth, naturalHeight } = this.image;
    classList.toggle("gliding", isAnimated);
    style.width = `${naturalWidth * place.scale}px`;
    style.height = `${naturalHeight * place.scale}px`;
    style.transform = `translate(${place.x}px, ${place.y}px)`;
    this.changed(this.isZoomed);
  }
}
