// Errors, in words.

import { button, commandLine, showMessage } from "./dom.ts";
import { TooNew } from "./manifest.ts";
import { isOurs } from "./open.ts";
import { NotNow, Refusal } from "./relay.ts";
import { claimantOf, openersWords } from "./secret.ts";
import { forget, hideLink, page } from "./state.ts";
import * as texts from "./texts.ts";

const HOST = location.host;

/** Shows an error. `again` repeats the failed request. `begun`: this browser has claimed the share. */
export function failed(error: unknown, again: () => void, begun = false): void {
  const retry = button(texts.unreachable.again, again, "main");
  if (error instanceof NotNow) return showMessage(texts.unreachable.message(HOST, begun), retry);
  if (error instanceof TooNew) return showMessage(texts.tooNew(begun), commandLine());
  if (!(error instanceof Refusal)) {
    console.error(error);
    return showMessage(texts.unexpected, retry, commandLine());
  }
  const { claimed } = page;
  if (claimed !== null && isOurs(error, claimed.id, claimed.claimToken)) {
    forget(claimed.id);
    hideLink(claimed.id, error.at);
    const words = openersWords(claimantOf(claimed.id, claimed.claimToken));
    return showMessage(texts.closed.before(texts.time(error.at), words));
  }
  switch (error.why) {
    case "unknown":
    case "wrong-passphrase":
      return showMessage(texts.unknown(HOST));
    case "damaged":
      return showMessage(texts.damaged, retry);
    case "changed":
      return showMessage(texts.changed, commandLine());
    case "not-a-relay":
      return showMessage(texts.notARelay(HOST, begun), retry);
    default: {
      const words = error.claimant?.length === 32 ? openersWords(error.claimant) : null;
      if (error.why === "already-opened" && error.until > 0) {
        return showMessage(texts.beingOpened(texts.time(error.at), texts.time(error.until), words));
      }
      return showMessage(texts.ended[error.why](texts.time(error.at), words));
    }
  }
}
