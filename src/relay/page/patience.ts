// Asking again what got no answer.

import { NotNow } from "./relay.ts";

const LONGEST_S = 30;

/** Repeats what fails for now, ever more slowly, and at once when the network is back or the person says so. */
export class Patience {
  #failures = 0;
  #wake = () => {};

  /**
   * `tell` hears how many seconds are left until the next attempt, every second, and `null` when it is made. After
   * `attempts` failures in a row the error is passed on.
   */
  constructor(
    private readonly tell: (seconds: number | null) => void,
    private readonly attempts = Infinity,
  ) {}

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
      try {
        const answer = await ask();
        this.progress();
        return answer;
      } catch (error) {
        await this.pause(error);
      }
    }
  }

  /** Waits after an error that may pass; throws another one. */
  async pause(error: unknown): Promise<void> {
    this.#failures += 1;
    if (!(error instanceof NotNow) || this.#failures >= this.attempts) throw error;
    const backoff = Math.min(2 ** (this.#failures - 1), LONGEST_S) * (0.75 + Math.random() / 2);
    const until = Date.now() + 1000 * Math.max(backoff, error.after);
    await new Promise<void>((resolve) => {
      const tick = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        if (left > 0) this.tell(left);
        else wake();
      };
      const wake = () => {
        clearInterval(timer);
        removeEventListener("online", wake);
        resolve();
      };
      const timer = setInterval(tick, 1000);
      addEventListener("online", wake);
      this.#wake = wake;
      tick();
    });
    this.tell(null);
  }
}
