// Retries of requests that failed for now.

import { NotNow } from "./relay.ts";

/** The longest backoff, and the longest wait that a relay may ask for, in seconds. */
const LONGEST_S = 30;
const MOST_S = 120;

/** Repeats requests with a growing backoff; at once when the network is back or the user presses the button. */
export class Backoff {
  #failures = 0;
  #pausing: Promise<void> | null = null;
  #wake = () => {};

  /**
   * `report` is called every second with the seconds until the next attempt, and with `null` when it starts. After
   * `attempts` failures in a row the error is thrown. `stop` aborts.
   */
  constructor(
    private readonly report: (seconds: number | null) => void,
    private readonly attempts = Infinity,
    private readonly stop?: AbortSignal,
  ) {
    stop?.addEventListener("abort", () => this.#wake());
  }

  /** Bytes arrived: resets the count of failures. */
  progress(): void {
    this.#failures = 0;
  }

  /** Starts the next attempt at once. */
  now(): void {
    this.#wake();
  }

  /** Repeats `ask` until it succeeds. */
  async until<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      this.stop?.throwIfAborted();
      try {
        const answer = await ask();
        this.progress();
        return answer;
      } catch (error) {
        if (!(error instanceof NotNow) || this.stop?.aborted) throw error;
        await this.#pause(error);
      }
    }
  }

  /** Waits before the next attempt. Requests that fail in the meantime join the same wait. */
  async #pause(error: NotNow): Promise<void> {
    if (this.#pausing !== null) return this.#pausing;
    this.#failures += 1;
    if (this.#failures >= this.attempts) throw error;
    const backoff = Math.min(2 ** (this.#failures - 1), LONGEST_S) * (0.75 + Math.random() / 2);
    const until = Date.now() + 1000 * Math.min(Math.max(backoff, error.after), MOST_S);
    this.#pausing = new Promise<void>((resolve) => {
      const tick = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        if (left > 0) this.report(left);
        else wake();
      };
      const wake = () => {
        clearInterval(timer);
        removeEventListener("online", wake);
        this.#pausing = null;
        this.report(null);
        resolve();
      };
      const timer = setInterval(tick, 1000);
      addEventListener("online", wake);
      this.#wake = wake;
      tick();
    });
    return this.#pausing;
  }
}
