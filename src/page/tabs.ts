// One tab at a time: a share that is open in one tab of this browser is not opened in a second one.

/** The longest time for a reloaded tab to release a name, or for a tab to answer, in milliseconds. */
const GRACE_MS = 800;
/** The time between two questions of a waiting tab, in milliseconds. */
const ASK_MS = 1000;

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** The names that this tab holds, and how it releases them. */
const held = new Map<string, () => void>();

/** Takes `name` for this tab until `release` or the end of the tab. Returns whether it was free. */
export async function take(name: string): Promise<boolean> {
  if (held.has(name)) return true;
  return "locks" in navigator ? locked(name) : unanswered(name);
}

/** Releases `name` for other tabs. */
export function release(name: string): void {
  held.get(name)?.();
  held.delete(name);
}

/** Waits until no tab has `name`. Does not take it, so that a tab that is only reloaded gets it back. */
export async function free(name: string): Promise<void> {
  if ("locks" in navigator) return navigator.locks.request(name, () => {});
  const channel = new BroadcastChannel(name);
  while (await isAnswered(channel, HOLDER)) await pause(ASK_MS);
  channel.close();
}

/** Takes a name with the Web Locks API. A lock ends with its tab, and needs no answer from a frozen one. */
function locked(name: string): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), GRACE_MS);
  return new Promise((taken) => {
    const hold = () =>
      new Promise<void>((freed) => {
        clearTimeout(timer);
        held.set(name, freed);
        taken(true);
      });
    // A browser that refuses locks has no storage that two tabs could share either.
    navigator.locks.request(name, { signal: stop.signal }, hold).catch(() => taken(!stop.signal.aborted));
  });
}

/** The messages between tabs: a number asks, and the answer is `true`. */
type Said = number | true;

/** The question of a tab that only waits. A tab that takes a name asks with a number from 0 to 1. */
const HOLDER = 2;

/**
 * Takes a name by asking the other tabs: pages over plain http have no Web Locks. Of two tabs that ask at once, the one
 * with the lower number wins. A frozen tab does not answer and counts as closed; both have the same claim token, so
 * nothing is lost.
 */
async function unanswered(name: string): Promise<boolean> {
  if (!("BroadcastChannel" in globalThis)) return true;
  const channel = new BroadcastChannel(name);
  const number = Math.random();
  channel.addEventListener("message", ({ data }: MessageEvent<Said>) => {
    if (data !== true && (held.has(name) || (data !== HOLDER && data > number))) channel.postMessage(true);
  });
  const taken = !(await isAnswered(channel, number));
  if (!taken) channel.close();
  else {
    held.set(name, () => channel.close());
    // A tab that asked later, with a lower number, is still listening: it learns that the name is taken.
    channel.postMessage(true);
  }
  return taken;
}

async function isAnswered(channel: BroadcastChannel, question: number): Promise<boolean> {
  let answered = false;
  const hear = ({ data }: MessageEvent<Said>) => {
    answered ||= data === true;
  };
  channel.addEventListener("message", hear);
  channel.postMessage(question);
  await pause(GRACE_MS);
  channel.removeEventListener("message", hear);
  return answered;
}
