// An estimate of the time that a download still takes.

/** The time over which the rate is measured, and the shortest one that gives an estimate, in milliseconds. */
const WINDOW_MS = 10_000;
const ENOUGH_MS = 3000;
/** The part of an error that each second corrects, so that the estimate does not jump about. */
const CORRECTION = 0.2;
/** A larger estimate is shown only if it would still be larger after this reduction. */
const DOUBT = 0.75;
/** Estimates below this are "a few seconds", in seconds. */
const FEW_S = 8;

/** A rounded time: `count` of them. */
export interface Rounded {
  readonly unit: "few" | "seconds" | "minutes" | "hours";
  readonly count: number;
}

/** The time that a download still takes. Times are in milliseconds of any clock that does not jump. */
export class TimeLeft {
  #samples: { readonly at: number; readonly bytes: number }[] = [];
  #seconds: number | null = null;
  /** The time that is shown, in seconds. */
  #shown: number | null = null;

  /** Starts over: after a wait for the relay, the rate before it means nothing. */
  reset(): void {
    this.#samples = [];
    this.#seconds = this.#shown = null;
  }

  /** Takes the bytes that have arrived and those that have not. Returns `null` while there is no estimate. */
  update(at: number, bytes: number, rest: number): Rounded | null {
    const last = this.#samples.at(-1);
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 1 && at - this.#samples[1]!.at >= WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const rate = (bytes - first.bytes) / (at - first.at);
    if (last === undefined || at - first.at < ENOUGH_MS) return null;
    if (!(rate > 0)) {
      this.#seconds = this.#shown = null;
      return null;
    }
    const measured = rest / rate / 1000;
    if (this.#seconds === null) this.#seconds = measured;
    else {
      const passed = (at - last.at) / 1000;
      const expected = Math.max(this.#seconds - passed, 0);
      this.#seconds = expected + (measured - expected) * Math.min(CORRECTION * passed, 1);
    }
    const now = roundedSeconds(this.#seconds);
    const rises = this.#shown !== null && now > this.#shown;
    if (!rises || roundedSeconds(this.#seconds * DOUBT) > this.#shown!) this.#shown = now;
    return inWords(this.#shown!);
  }
}

/** Seconds, rounded to what is shown; 0 for a few. */
function roundedSeconds(seconds: number): number {
  if (seconds < FEW_S) return 0;
  const step = [10, 60, 3600].findLast((unit) => seconds >= unit * 0.9) ?? 10;
  return Math.max(Math.round(seconds / step), 1) * step;
}

function inWords(seconds: number): Rounded {
  if (seconds === 0) return { unit: "few", count: 0 };
  if (seconds < 60) return { unit: "seconds", count: seconds };
  if (seconds < 3600) return { unit: "minutes", count: seconds / 60 };
  return { unit: "hours", count: Math.round(seconds / 3600) };
}
