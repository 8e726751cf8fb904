// The browser's way back: from each screen to the one before it, so that it does not leave the page with what was
// chosen. There is one entry of the history for all screens behind the first.

/** Goes back from the current screen; `null` on the first one. */
let back: (() => void) | null = null;
let hasEntry = false;

/** Sets what the way back from this screen does; `null`: it leaves the page. */
export function onBack(then: (() => void) | null): void {
  back = then;
  if (then === null || hasEntry) return;
  history.pushState(history.state, "");
  hasEntry = true;
}

/** Goes back as the browser's button does. */
export function goBack(): void {
  if (hasEntry) history.back();
  else leave();
}

function leave(): void {
  const then = back;
  back = null;
  then?.();
}

addEventListener("popstate", () => {
  hasEntry = false;
  leave();
});
