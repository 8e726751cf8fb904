// The screen of a transfer, such as a download: how much has arrived, the time that is left, and the wait for a relay
// that does not answer.

import { h, retryLine, screen } from "./dom.ts";
import type { Watch } from "./open.ts";
import { percent, size, type TextKey, words } from "./texts.ts";
import { TimeLeft } from "./time_left.ts";

/** A download that is over before this is not worth a screen of its own, in milliseconds. */
const SOON_MS = 300;
/** The time between two changes of the figures, in milliseconds. */
const DRAW_MS = 250;
/** The time between two estimates of the time left, and the shortest between two that screen readers read out. */
const ESTIMATE_MS = 1000;
const READ_OUT_MS = 30_000;

/** The screen of a download. */
export class Progress {
  readonly #line;
  readonly #bar = h("progress", { max: 1 });
  readonly #figure = h("p", { className: "figure" });
  readonly #left = h("p", { className: "left" });
  readonly #heard = h("p", { className: "heard", role: "status" });
  readonly #before = h("p", { className: "note" });
  readonly #stay = h("p", { className: "note" });
  readonly #time = new TimeLeft();
  readonly #soon = setTimeout(() => this.#show(), SOON_MS);
  #drawing = 0;
  /** Whether the screen was shown, or is no longer to be shown. */
  #isShown = false;
  #isWaiting = false;
  /** Bytes of the blob, of the files in it, and of the blob as far as it is here. */
  #all = 0;
  #total = 0;
  #arrived = 0;
  #tenth = -1;
  #estimated = 0;
  #readOut = -Infinity;

  /**
   * `title` heads the screen; `last` replaces the figures once all bytes have arrived; `stay` is the line about what
   * happens if the transfer is interrupted; `more` follows.
   */
  constructor(
    host: string,
    private readonly title = words("opening.title"),
    private readonly last = words("opening.decrypting"),
    stay = words("opening.stay"),
    private readonly more: readonly Node[] = [],
  ) {
    this.#stay.textContent = stay;
    this.#line = retryLine(host);
    this.#bar.setAttribute("aria-label", words("opening.progress"));
    this.#left.setAttribute("aria-hidden", "true");
  }

  /** Sets what the button that repeats a request at once does. */
  readonly again: Watch["again"] = (now) => this.#line.again(now);

  /** Shows the seconds until the next attempt; `null` hides them. */
  readonly waits: Watch["waits"] = (seconds) => {
    this.#isWaiting = seconds !== null;
    this.#time.reset();
    if (this.#isWaiting) this.#show();
    this.#line.waits(seconds);
    this.#draw();
  };

  /** Counts bytes of the blob that have arrived. */
  readonly arrived: Watch["arrived"] = (bytes) => {
    this.#arrived += bytes;
  };

  /**
   * Begins a download of a blob of `all` bytes, of which `here` need not be downloaded. The page shows `total`: the
   * size of the files without the padding, as before the opening. `resumed`: the download had begun before.
   */
  begin(all: number, total: number, here: number, resumed: boolean): void {
    [this.#all, this.#total, this.#arrived] = [all, total, here];
    const arrived = size(Math.floor((total * here) / all));
    if (resumed && here === 0) this.#before.textContent = words("opening.again");
    else if (resumed) this.#before.textContent = words("opening.here", { size: arrived });
    this.#drawing = setInterval(() => this.#draw(), DRAW_MS);
    this.#draw();
  }

  /** Sets the line about what happens if the download is interrupted. */
  stay(key: TextKey): void {
    this.#stay.textContent = words(key);
  }

  /** Leaves the page to the next screen. */
  end(): void {
    this.#isShown = true;
    clearTimeout(this.#soon);
    clearInterval(this.#drawing);
  }

  #show(): void {
    if (this.#isShown) return;
    this.#isShown = true;
    clearTimeout(this.#soon);
    const figures = [this.#bar, this.#figure, this.#left, this.#heard, this.#before];
    screen(this.title, ...figures, ...this.#line.nodes, this.#stay, ...this.more);
  }

  #draw(): void {
    if (this.#all === 0) return;
    const left = this.#all - this.#arrived;
    const values = { percent: percent(this.#arrived, this.#all), size: size(this.#total) };
    // Decrypting goes along with the download. What is left of it is slow only for large files that were stored here.
    const text = left > 0 ? words("opening.part", values) : this.last;
    if (left > 0) this.#bar.value = this.#arrived / this.#all;
    else this.#bar.removeAttribute("value");
    this.#figure.textContent = text;
    // Screen readers may read out each change.
    const tenth = Math.floor((10 * this.#arrived) / this.#all);
    if (tenth !== this.#tenth) this.#bar.setAttribute("aria-valuetext", text);
    this.#tenth = tenth;
    if (left <= 0 || this.#isWaiting) this.#left.textContent = this.#heard.textContent = "";
    else this.#estimate(left);
  }

  #estimate(rest: number): void {
    const now = performance.now();
    if (now - this.#estimated < ESTIMATE_MS) return;
    this.#estimated = now;
    const time = this.#time.update(now, this.#arrived, rest);
    const text = time === null ? "" : words(`opening.left_${time.unit}`, { count: time.count });
    this.#left.textContent = text;
    if (text === "") this.#heard.textContent = "";
    if (text === "" || now - this.#readOut < READ_OUT_MS) return;
    this.#readOut = now;
    this.#heard.textContent = text;
  }
}
