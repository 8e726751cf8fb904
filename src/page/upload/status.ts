// The state of shares that were sent: asked once, followed, and ended by their sender.

import { openersWords } from "../opener.ts";
import { bytesOf, Refusal } from "../relay.ts";
import { Backoff } from "../retry.ts";
import { receiptOf } from "../secret.ts";
import type { Kept, State, Word } from "./outbox.ts";
import * as outbox from "./outbox.ts";
import { refused } from "./refused.ts";
import type { Status } from "./requests.ts";
import * as requests from "./requests.ts";

/** Requests of this page at once that wait for a change: browsers have six connections to a relay, for all tabs. */
const AT_ONCE = 2;
/** The time for which the relay waits for a change, alone and while others wait for their turn, in seconds. */
const WAIT_S = 50;
const SHORT_WAIT_S = 3;
/** The shortest time between two questions about a share that has not changed, in milliseconds. */
const BETWEEN_MS = 5000;
/** The longest time for a request and its answer besides this wait, in milliseconds. */
const SHORT_MS = 20_000;
/** Attempts of a request before an error is thrown. */
const ATTEMPTS = 4;
/** The pause before a relay is asked once more to revoke a share that it did not know, in milliseconds. */
const SECOND_LOOK_MS = 700;

const ownerOf = ({ id, ownerToken }: Pick<Kept, "id" | "ownerToken">) => ({ id, token: ownerToken });

/** The final states that a relay reports, and all of them. */
const FINAL = "finished lapsed expired revoked locked aborted".split(" ");
const WORDS = ["uploading", "waiting", "claimed", ...FINAL];

/** The state in the sender's terms. The receipt is computed, and not believed. */
async function stateOf(kept: Kept, status: Status): Promise<State> {
  if (!WORDS.includes(status.state)) throw new Refusal("not-a-relay");
  const word = status.state as Word;
  const { expires, until, guesses } = status;
  const claimant = bytesOf(status.claimant ?? "");
  const isClaimed = claimant?.length === 32;
  const receipt = isClaimed ? receiptOf({ receiptKey: kept.receiptKey, id: kept.id }, claimant) : null;
  const sent = bytesOf(status.receipt ?? "");
  return {
    word,
    // Of a lapsed share, `ended` is the end of the lease.
    at: word === "claimed" || word === "lapsed" ? status.claimed : status.ended,
    opener: isClaimed ? await openersWords(claimant) : null,
    isProven: word === "finished" && receipt !== null && String(receipt) === String(sent),
    ...{ expires, until, guesses },
  };
}

/** Asks for the state, or waits until it is no longer `known`; `null`: it still is. */
async function once(kept: Kept, known: State | null, seconds: number, signal?: AbortSignal): Promise<State | null> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const timer = setTimeout(end, 1000 * seconds + SHORT_MS);
  signal?.addEventListener("abort", end);
  try {
    const status = await requests.status(ownerOf(kept), known?.word ?? null, seconds, ended.signal);
    if (status === null) return null;
    const state = await stateOf(kept, status);
    outbox.note(kept.id, state);
    return state;
  } catch (error) {
    if (!(error instanceof Refusal) || error.why !== "unknown") throw error;
    const state: State = { ...kept.state, word: "unknown", at: null };
    outbox.note(kept.id, state);
    return state;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/** Asks for the state of a share. Throws `Refused`, or `NotNow` if the relay does not answer after some attempts. */
export async function ask(kept: Kept): Promise<State> {
  try {
    return (await new Backoff(() => {}, ATTEMPTS).until(() => once(kept, null, 0)))!;
  } catch (error) {
    throw refused(error);
  }
}

let running = 0;
/** Requests that wait for their turn, in their order. */
const waiting: (() => void)[] = [];

/** Calls `work` in its turn, with the seconds that it may take. */
async function inTurn<T>(work: (seconds: number) => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
  else running += 1;
  try {
    return await work(waiting.length > 0 ? SHORT_WAIT_S : WAIT_S);
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}

/** Waits until the page is visible: a hidden one takes connections from others, and power from a phone. */
async function visible(signal: AbortSignal): Promise<void> {
  if (!document.hidden || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}

/**
 * Follows a share until its end: calls `changed` with its state at once and whenever it is another one. Any number of
 * shares can be followed: their requests take turns. Throws `Refused`; a relay that does not answer is asked again.
 */
export async function follow(kept: Kept, changed: (state: State) => void, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(() => {}, Infinity, signal);
  let known: State | null = null;
  try {
    while (!signal.aborted && !(known && outbox.isOver(known))) {
      await visible(signal);
      const begun = performance.now();
      const asking: State | null = known;
      const state: State | null = await backoff.until(() =>
        inTurn((seconds) => once(kept, asking, asking === null ? 0 : seconds, signal)),
      );
      if (signal.aborted) return;
      if (state !== null && state.word !== asking?.word) changed((known = state));
      // A proxy may drop the header that lets the relay wait.
      else await pause(begun + BETWEEN_MS - performance.now(), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw refused(error);
  }
}

/** Revokes a share, and returns its state after that: if it had ended before, how. Throws `Refused` or `NotNow`. */
export async function revoke(kept: Kept): Promise<State> {
  const isUploading = kept.state.word === "uploading";
  // The tab that uploads it must neither take its end for a loss, and begin anew, nor show its link.
  if (isUploading) outbox.note(kept.id, { ...kept.state, word: "revoked" });
  let was: string | null;
  try {
    was = await new Backoff(() => {}, ATTEMPTS).until(() => requests.revoke(ownerOf(kept)));
  } catch (error) {
    if (isUploading && outbox.get(kept.id) !== null) outbox.keep(kept);
    throw refused(error);
  }
  return ask(kept).catch((error: unknown) => {
    // It was too late: how the share has ended is unknown here.
    if (was !== null && FINAL.includes(was)) throw error;
    const state: State = { ...kept.state, word: "revoked", at: Math.floor(Date.now() / 1000) };
    outbox.note(kept.id, state);
    return state;
  });
}

/** Revokes an upload whose link nobody has. Removes it from the outbox if nothing of it is left at the relay. */
export async function withdraw(kept: Kept, mayBeCommitted: boolean, signal?: AbortSignal): Promise<void> {
  const how = signal ? { signal } : {};
  const backoff = new Backoff(() => {}, ATTEMPTS, signal);
  const revoke = () => backoff.until(() => requests.revoke(ownerOf(kept), how));
  try {
    if ((await revoke()) === null && mayBeCommitted) {
      // The relay may still be at work on what it was sent a moment ago.
      await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
      await revoke();
    }
    outbox.forget(kept.id);
  } catch {
    // The next visit tries again.
  }
}

/** Revokes what tabs that are gone were uploading. Call it when the page opens. */
export async function sweep(): Promise<void> {
  for (const kept of await outbox.abandoned()) await withdraw(kept, true);
}

