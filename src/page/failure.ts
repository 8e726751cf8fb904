// Failures, in words.

import { button, commandLine, say } from "./dom.ts";
import { TooNew } from "./manifest.ts";
import { isOurs } from "./open.ts";
import { NotNow, Refusal } from "./relay.ts";
import { claimantOf, openersWords } from "./secret.ts";
import { forget, hideLink, page } from "./state.ts";
import * as texts from "./texts.ts";

const HOST = location.host;

/** Says what went wrong. `again` repeats what did. `begun` says that it is this browser's already. */
export function failed(error: unknown, again: () => void, begun = false): void {
  const retry = button(texts.unreachable.again, again, "main");
  if (error instanceof NotNow) return say(texts.unreachable.message(HOST, begun), retry);
  if (error instanceof TooNew) return say(texts.tooNew(begun), commandLine());
  if (!(error instanceof Refusal)) {
    console.error(error);
    return say(texts.unexpected, retry, commandLine());
  }
  const { claimed } = page;
  if (claimed !== null && isOurs(error, claimed.id, claimed.claimToken)) {
    forget(claimed.id);
    hideLink(claimed.id, error.at);
    const words = openersWords(claimantOf(claimed.id, claimed.claimToken));
    return say(texts.closed.before(texts.time(error.at), words));
  }
  switch (error.why) {
    case "unknown":
    case "wrong-passphrase":
      return say(texts.unknown(HOST));
    case "damaged":
      return say(texts.damaged, retry);
    case "changed":
      return say(texts.changed, commandLine());
    case "not-a-relay":
      return say(texts.notARelay(HOST, begun), retry);
    default: {
      const words = error.claimant?.length === 32 ? openersWords(error.claimant) : null;
      if (error.why === "already-opened" && error.until > 0) {
        return say(texts.beingOpened(texts.time(error.at), texts.time(error.until), words));
      }
      return say(texts.ended[error.why](texts.time(error.at), words));
    }
  }
}
