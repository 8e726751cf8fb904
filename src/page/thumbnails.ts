// The strip of small pictures of an album's files. They are drawn one at a time, near the current file, and never
// count as seen.

import { h } from "./dom.ts";
import { type Icon, icon } from "./icons.ts";
import { HEAD_LEN, kindOf, sniff } from "./media.ts";
import type { Entry } from "./manifest.ts";
import { words } from "./texts.ts";

/** The longer side of a small picture, in pixels. */
const SIDE = 256;
/** Files on each side of the current one of which there are small pictures. */
const NEAR = 16;
/** Larger photos, in bytes and in pixels, have no small picture: decoding them could take all memory of a phone. */
const MOST_BYTES = 20_000_000;
const MOST_PIXELS = 40_000_000;

/** The strip. */
export class Thumbnails {
  readonly element = h("nav", { className: "strip" });
  readonly #buttons: HTMLButtonElement[];
  readonly #drawn = new Map<number, HTMLCanvasElement>();
  /** Files that have no picture, or that this browser cannot decode. */
  readonly #plain = new Set<number>();
  #current = 0;
  #isDrawing = false;
  #isOver = false;

  /** `labels` name the files for screen readers. */
  constructor(
    private readonly entries: readonly Entry[],
    private readonly blobs: readonly Blob[],
    private readonly labels: readonly string[],
    pick: (number: number) => void,
  ) {
    this.element.setAttribute("aria-label", words("showing.files"));
    this.#buttons = entries.map((_, number) => {
      const made = h("button", { type: "button", onclick: () => pick(number) }, icon(this.#icon(number)));
      return made;
    });
    const items = this.#buttons.map((made) => h("li", {}, made));
    const list = h("ul", {}, ...items);
    // Safari does not announce lists without bullets as lists otherwise.
    list.setAttribute("role", "list");
    this.element.append(list);
  }

  /**
   * Marks the current file and those that were seen or saved. `isIdle`: the browser may decode other files than the
   * current one.
   */
  mark(current: number, has: (number: number) => boolean, isIdle: boolean): void {
    const isTurn = current !== this.#current;
    const hadFocus = this.element.contains(document.activeElement);
    this.#current = current;
    for (const [number, made] of this.#buttons.entries()) {
      const values = { name: this.labels[number]!, number: number + 1, count: this.entries.length };
      made.setAttribute("aria-label", words(has(number) ? "showing.turned_seen" : "showing.turned", values));
      made.classList.toggle("seen", has(number));
      if (number === current) made.setAttribute("aria-current", "true");
      else made.removeAttribute("aria-current");
      // One stop of the Tab key for the whole strip; the arrow keys turn from file to file.
      made.tabIndex = number === current ? 0 : -1;
    }
    const button = this.#buttons[current]!;
    if (hadFocus) button.focus({ preventScroll: true });
    const { offsetLeft, offsetWidth } = button;
    if (isTurn) this.element.scrollLeft = offsetLeft - (this.element.clientWidth - offsetWidth) / 2;
    if (isIdle) void this.#draw();
  }

  /** A small picture of a file, as large as the stage. */
  preview(number: number): HTMLElement {
    const drawn = this.#drawn.get(number);
    if (drawn === undefined) return h("div", { className: "preview" }, icon(this.#icon(number)));
    const copy = h("canvas", { className: "preview", width: drawn.width, height: drawn.height });
    copy.setAttribute("aria-hidden", "true");
    copy.getContext("2d")?.drawImage(drawn, 0, 0);
    return copy;
  }

  end(): void {
    this.#isOver = true;
    this.#drawn.clear();
  }

  #icon(number: number): Icon {
    return kindOf(this.entries[number]!.type);
  }

  /** Draws the small pictures near the current file, one at a time: browsers decode whole photos for them. */
  async #draw(): Promise<void> {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    for (let next = this.#wanted(); next !== undefined && !this.#isOver; next = this.#wanted()) {
      const canvas = await small(this.blobs[next]!).catch(() => null);
      if (canvas === null) this.#plain.add(next);
      else this.#show(next, canvas);
      this.#drop();
    }
    this.#isDrawing = false;
  }

  /** The file to draw next: the nearest one without a small picture. */
  #wanted(): number | undefined {
    return this.#buttons
      .map((_, number) => number)
      .filter((number) => this.#isNear(number) && !this.#drawn.has(number) && !this.#plain.has(number))
      .sort((a, b) => Math.abs(a - this.#current) - Math.abs(b - this.#current))[0];
  }

  #isNear(number: number): boolean {
    return Math.abs(number - this.#current) <= NEAR;
  }

  #show(number: number, canvas: HTMLCanvasElement): void {
    this.#drawn.set(number, canvas);
    this.#buttons[number]!.replaceChildren(canvas);
  }

  /** Frees the small pictures that are no longer near. */
  #drop(): void {
    for (const number of this.#drawn.keys()) {
      if (this.#isNear(number)) continue;
      this.#drawn.delete(number);
      this.#buttons[number]!.replaceChildren(icon(this.#icon(number)));
    }
  }
}

/** A small picture of a photo; `null` for other files. */
export async function small(blob: Blob): Promise<HTMLCanvasElement | null> {
  const showable = sniff(new Uint8Array(await blob.slice(0, HEAD_LEN).arrayBuffer()));
  if (showable?.kind !== "photo" || blob.size > MOST_BYTES) return null;
  const photo = blob.slice(0, blob.size, showable.type);
  const size = await sizeOf(photo);
  if (size.width * size.height > MOST_PIXELS) return null;
  const options = size.width < size.height ? { resizeHeight: SIDE } : { resizeWidth: SIDE };
  const bitmap = await createImageBitmap(photo, options);
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale)];
  const canvas = h("canvas", { width, height });
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return canvas;
}

/** The size of a photo, from its header: no pixel is decoded. */
async function sizeOf(photo: Blob): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = URL.createObjectURL(photo);
  await new Promise((done) => (image.onload = image.onerror = done));
  URL.revokeObjectURL(image.src);
  return image;
}
