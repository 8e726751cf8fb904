// Errors of sending, in words, with what to do next. The draft stays as it was.

import { button, h, redrawable, showMessage } from "../dom.ts";
import { NotNow } from "../relay.ts";
import { printable } from "../safe_text.ts";
import { Refused } from "../upload/refused.ts";
import { HOST, page } from "./state.ts";
import { message, type MessageKey, size, time, words } from "./texts.ts";

/** The ways to go on after an error. */
export interface Ways {
  /** Tries again. */
  readonly again: () => void;
  /** Goes back to what was chosen. */
  readonly files?: () => void;
  /** Asks for another token. */
  readonly token?: () => void;
}

/** The message for an error. Some of them the page that opens has, too. */
function keyOf(error: unknown): MessageKey {
  if (error instanceof NotNow) return "failed.no_answer";
  if (!(error instanceof Refused)) return "problem.unexpected";
  switch (error.why) {
    case "fronted":
      return "failed.fronted";
    case "not-a-relay":
      return "failed.not_a_relay";
    case "unsupported":
      return "unsupported";
    default:
      return `problem.${error.why}`;
  }
}

/** Shows an error of sending. */
export function showProblem(error: unknown, { again, files, token }: Ways): void {
  const { until = 0, max = null, item } = error instanceof Refused ? error.details : {};
  const key = keyOf(error);
  if (key === "problem.unexpected") console.error(error);
  const name = item === undefined ? undefined : page.draft?.parts[item]?.path.at(-1);
  redrawable(() => {
    const values = {
      ...{ host: HOST, until: until ? time(until) : null, max: max === null ? null : size(max) },
      name: name === undefined ? words("showing.file") : printable(name),
    };
    const isToken = key === "problem.not-allowed" && token !== undefined;
    const first = isToken
      ? button(words("problem.token"), () => token(), "main")
      : button(words("failed.again"), () => again(), "main");
    const second = files === undefined ? null : button(words("problem.files"), () => files());
    const stays = files === undefined ? [] : [words("problem.stays")];
    showMessage(message(key, values, ...stays), h("div", { className: "row" }, first, second));
  });
}
