// Long work in small steps, between which the browser handles input.

/** The longest time without handling input, in milliseconds. */
const BUSY_MS = 30;

/** Lets the browser handle other events. Timers are throttled in hidden tabs; messages are not. */
const breathe = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

/** A function to await after each step: it rests if the last rest was long ago. */
export function resting(): () => Promise<void> {
  let rested = performance.now();
  return async () => {
    if (performance.now() - rested < BUSY_MS) return;
    await breathe();
    rested = performance.now();
  };
}
