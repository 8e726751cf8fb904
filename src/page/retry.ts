// Retries of requests that got no answer.

import { NotNow } from "./relay.ts";

/** The longest wait of our own, in seconds, and the longest that a relay may ask for. */
const LONGEST_S = 30;
const MOST_S = 120;

/** Repeats what fails for now, ever more slowly, and at once when the network is back or the person asks for it. */
export class Backoff {
  #failures = 0;
  #pausing: Promise<void> | null = null;
  #wake = () => {};

  /**
   * `report` gets how many seconds are left until the next attempt, every second, and `null` when it is made. After
   * `attempts` failures in a row the error is passed on. Nothing is tried any more once `stop` returns true.
   */
  constructor(
    private readonly report: (seconds: number | null) => void,
    private readonly attempts = Infinity,
    private readonly stop?: AbortSignal,
  ) {
    stop?.addEventListener("abort", () => this.#wake());
  }

  /** Something moved: begin to count anew. */
  progress(): void {
    this.#failures = 0;
  }

  /** Tries at once instead of waiting. */
  now(): void {
    this.#wake();
  }

  /** The answer to `ask`, however often it must be asked. */
  async until<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      this.stop?.throwIfAborted();
      try {
        const answer = await ask();
        this.progress();
        return answer;
      } catch (error) {
        if (!(error instanceof NotNow)) throw error;
        await this.#pause(error);
      }
    }
  }

  /** Waits before the next attempt. What fails meanwhile waits along. */
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
