// The browser's way back: from each screen to the one before it, so that it does not leave the page with what was
// chosen. There is one entry of the history for all screens behind the first.

/** Goes back from the current screen; `null` on the first one. */
let back: (() => void) | null = null;
let hasEntry = false;
let isGoing = false;

/** Sets what the way back from this screen does; `null`: it leaves the page. */
export function onBack(then: (() => void) | null): void {
  back = then;
  if (then === null || hasEntry) return;
  history.pushState(history.state, "");
  hasEntry = true;
}

/** Goes back as the browser's button does. */
export function goBack(): void {
  if (!hasEntry) return leave();
  // A second press before the first one has arrived would leave the page.
  if (!isGoing) history.back();
  isGoing = true;
}

function leave(): void {
  const then = back;
  back = null;
  then?.();
}

addEventListener("popstate", () => {
  hasEntry = isGoing = false;
  leave();
});
