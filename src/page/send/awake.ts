// Keeps the screen on while something is sent, in browsers that can: phones stop pages when the screen goes off.

/** Keeps the screen on until `stop`. */
export function stayAwake(stop: AbortSignal): void {
  if (!("wakeLock" in navigator)) return;
  let lock: WakeLockSentinel | null = null;
  const take = () => {
    if (document.hidden || stop.aborted) return;
    void navigator.wakeLock.request("screen").then(
      (taken) => {
        lock = taken;
        if (stop.aborted) void taken.release();
      },
      () => {},
    );
  };
  take();
  // The browser takes the lock back from a hidden page.
  document.addEventListener("visibilitychange", take, { signal: stop });
  stop.addEventListener("abort", () => void lock?.release());
}
