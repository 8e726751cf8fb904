// One tab at a time: a share that is open in one tab of this browser is not opened in a second one meanwhile.

/** How long a tab may take to go away that is being reloaded, or to answer, in milliseconds. */
const GRACE_MS = 800;
/** How often a tab that waits asks whether the other one is still there, in milliseconds. */
const ASK_MS = 1000;

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** The names that this tab holds, and how it releases them. */
const held = new Map<string, () => void>();

/** Takes `name` for this tab, until `release` or the end of the tab. Says whether no other tab has it. */
export async function take(name: string): Promise<boolean> {
  if (held.has(name)) return true;
  return "locks" in navigator ? locked(name) : unanswered(name);
}

/** Lets another tab have it. */
export function release(name: string): void {
  held.get(name)?.();
  held.delete(name);
}

/** Waits until no tab has `name`: without taking it, since a tab that is only being reloaded wants it back. */
export async function free(name: string): Promise<void> {
  if ("locks" in navigator) return navigator.locks.request(name, () => {});
  const channel = new BroadcastChannel(name);
  while (await isAnswered(channel, HOLDER)) await pause(ASK_MS);
  channel.close();
}

/** By the Web Locks API: a lock outlives no tab, and needs no answer from one that sleeps. */
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
    // A browser that refuses locks altogether has no storage that two tabs could share either.
    navigator.locks.request(name, { signal: stop.signal }, hold).catch(() => taken(!stop.signal.aborted));
  });
}

/** The messages between tabs: a number asks, and the answer is `true`. */
type Said = number | true;

/** Asks for those alone that have it. Who wants to have it asks with a number between 0 and 1. */
const HOLDER = 2;

/**
 * By asking the other tabs: a page that came over plain http has no Web Locks. Of two tabs that ask at once the one with
 * the lower number is first. A tab that the phone has frozen does not answer and counts as gone: both have the same
 * claim token, so nothing is lost.
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
    // One that asked later, and is still listening, has a number that was not answered.
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
