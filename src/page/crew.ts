// The workers that decrypt large shares, so that the page stays responsive and downloads meanwhile. Without them, as in
// a browser that refuses them, and after a failure of one, the page decrypts itself.

import { type Chunks, decryptChunks } from "./chunks.ts";
import { load, soon } from "./files.ts";
import { resting } from "./rest.ts";

/** The entry of `FILES` with their script. */
const SCRIPT = "worker";
/** The name of the page's only policy of Trusted Types (mod.rs). */
const POLICY = "worker";
/** Workers of one download. */
const WORKERS = 2;
/** The longest time for an answer, in milliseconds: a slow phone takes a few seconds for two parts. */
const SILENCE_MS = 30_000;

/** Trusted Types, which older browsers lack. */
interface Factory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** The address of the script, once it is loaded. */
let script: Promise<string> | null = null;

/** Loads the script once. A script that did not arrive is loaded again by the next call. */
function address(): Promise<string> {
  if (script === null) {
    script = load(SCRIPT).then((bytes) => {
      const text = JSON.parse(new TextDecoder().decode(bytes)) as string;
      const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      const { trustedTypes } = globalThis as { trustedTypes?: Factory };
      return trustedTypes?.createPolicy(POLICY, { createScriptURL: (url) => url }).createScriptURL(url) ?? url;
    });
    script.catch(() => (script = null));
  }
  return script;
}

/** A worker, with its jobs in order. */
class Hand {
  readonly #jobs: ((plain: Uint8Array<ArrayBuffer> | null) => void)[] = [];
  #isOver = false;

  constructor(private readonly worker: Worker) {
    worker.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer> | null>) => this.#jobs.shift()?.(data);
    worker.onerror = worker.onmessageerror = () => this.end();
  }

  /** Decrypts chunks, whose bytes move to the worker; `null`: it failed. */
  async decrypt(source: () => Chunks): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#isOver) return null;
    const chunks = source();
    return new Promise((resolve) => {
      const late = setTimeout(() => this.end(), SILENCE_MS);
      this.#jobs.push((plain) => {
        clearTimeout(late);
        resolve(plain);
      });
      this.worker.postMessage(chunks, [chunks.bytes.buffer]);
    });
  }

  end(): void {
    this.#isOver = true;
    this.worker.terminate();
    for (const job of this.#jobs.splice(0)) job(null);
  }
}

/** Decrypts the chunks of one download. */
export class Crew {
  /** Calls of `decrypt` that keep all workers busy while the page handles their answers. */
  readonly most: number;
  readonly #hands: Promise<readonly Hand[]>;
  #turn = 0;

  /** `isLarge`: starting workers is worth it. */
  constructor(
    isLarge: boolean,
    private readonly stop: AbortSignal,
  ) {
    this.most = isLarge ? 2 * WORKERS : 1;
    this.#hands = isLarge ? this.#hire() : Promise.resolve([]);
  }

  async #hire(): Promise<readonly Hand[]> {
    const url = await soon(address());
    const hands: Hand[] = [];
    this.stop.addEventListener("abort", () => hands.forEach((hand) => hand.end()));
    try {
      while (url !== null && !this.stop.aborted && hands.length < WORKERS) hands.push(new Hand(new Worker(url)));
    } catch {
      // This browser refuses workers.
    }
    return hands;
  }

  /** Decrypts the chunks that `source` returns. It may be called twice: a worker that fails keeps them. */
  async decrypt(source: () => Chunks): Promise<Uint8Array<ArrayBuffer>> {
    const hands = await this.#hands;
    const plain = await hands[this.#turn++ % hands.length]?.decrypt(source);
    this.stop.throwIfAborted();
    return plain ?? decryptChunks(source(), resting());
  }
}
