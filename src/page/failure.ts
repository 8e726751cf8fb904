// Errors, in words.

import { button, commandLine, redraw, redrawable, showMessage } from "./dom.ts";
import { TooNew } from "./manifest.ts";
import { isOurs } from "./open.ts";
import { openersWords } from "./opener.ts";
import { NotNow, Refusal } from "./relay.ts";
import { ended, reportButton } from "./reporting.ts";
import { forget, hideLink, page } from "./state.ts";
import { inParentheses, message, time, words } from "./texts.ts";

const HOST = location.host;
/** The longest wait for the opener's two words before an error is shown without them, in milliseconds. */
const WORDS_MS = 300;

/** Shows an error. `again` repeats the failed request. `begun`: this browser has claimed the share. */
export async function failed(error: unknown, again: () => void, begun = false): Promise<void> {
  if (!(error instanceof NotNow || error instanceof TooNew || error instanceof Refusal)) console.error(error);
  const claimant = error instanceof Refusal ? error.claimant : null;
  const found = claimant?.length === 32 ? openersWords(claimant) : Promise.resolve(null);
  let opener = await Promise.race([found, new Promise<null>((late) => setTimeout(() => late(null), WORDS_MS))]);
  // The share may have ended before this browser was done with it. Of an opened one, `at` is the time of the claim.
  if (error instanceof Refusal && error.at > 0 && error.until === 0 && page.claimed !== null)
    ended(page.claimed.id, error.why === "already-opened" ? 0 : error.at);
  redrawable(() => explain(error, opener, again, begun));
  if (opener !== null) return;
  const shown = document.querySelector("h1");
  opener = await found;
  // The words are not worth the place of someone who has gone on.
  const isUntouched = [shown, document.body].includes(document.activeElement as HTMLElement);
  if (opener !== null && shown?.isConnected && isUntouched) redraw();
}

/** `opener`: the words of the opener whom a refusal names. */
function explain(error: unknown, opener: string | null, again: () => void, begun: boolean): void {
  const retry = button(words("failed.again"), again, "main");
  const stage = words(begun ? "failed.begun" : "failed.not_opened");
  if (error instanceof NotNow) return showMessage(message("failed.no_answer", { host: HOST }, stage), retry);
  if (error instanceof TooNew) return showMessage(message("failed.too_new", {}, stage), commandLine());
  if (!(error instanceof Refusal)) {
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    return showMessage(isFull ? message("failed.no_room", {}, stage) : message("failed.unexpected"), retry);
  }
  const { claimed } = page;
  if (claimed !== null && isOurs(error, claimed.id, claimed.claimToken)) {
    forget(claimed.id);
    hideLink(claimed.id, error.at);
    return showMessage(message("closed.before_by", { at: time(error.at), opener }), reportButton(claimed.id));
  }
  switch (error.why) {
    case "unknown":
    case "wrong-passphrase":
      return showMessage(message("ended.unknown", { host: HOST }));
    case "damaged":
      return showMessage(message("failed.damaged"), retry);
    case "changed":
      return showMessage(message("failed.changed"));
    // A reload would show the key to the page of a login.
    case "fronted":
      return showMessage(message("failed.fronted", { host: HOST }, stage), retry);
    // The relay refuses a report like this, and nothing else.
    case "too-late":
    case "not-a-relay":
      return showMessage(message("failed.not_a_relay", { host: HOST }, stage), retry);
    default: {
      const values = { at: time(error.at), until: time(error.until), opener: inParentheses(opener) };
      if (error.why === "already-opened" && error.until > 0) {
        return showMessage(message("ended.being_opened", values));
      }
      return showMessage(message(`ended.${error.why}`, values), claimed && reportButton(claimed.id));
    }
  }
}
