// Errors of sending, in words, with what to do next. What was chosen stays.

import { button, h, redrawable, showMessage } from "../dom.ts";
import { NotNow } from "../relay.ts";
import { printable } from "../safe_text.ts";
import { Refused } from "../upload/refused.ts";
import { HOST, page } from "./state.ts";
import { message, time, words } from "./texts.ts";

/** What the user can do about an error. */
export interface Ways {
  /** Tries again. */
  readonly again: () => void;
  /** Goes back to what was chosen. */
  readonly files?: () => void;
  /** Asks for another token. */
  readonly token?: () => void;
}

/** Shows an error of sending. */
export function showProblem(error: unknown, { again, files, token }: Ways): void {
  const why = error instanceof Refused ? error.why : error instanceof NotNow ? "no-answer" : "unexpected";
  const { until = 0, item } = error instanceof Refused ? error.details : {};
  if (why === "unexpected") console.error(error);
  const name = item === undefined ? undefined : page.draft?.parts[item]?.path.at(-1);
  redrawable(() => {
    const values = {
      ...{ host: HOST, until: until ? time(until) : null },
      name: name === undefined ? words("showing.file") : printable(name),
    };
    const isToken = why === "not-allowed" && token !== undefined;
    const first = isToken
      ? button(words("problem.token"), () => token(), "main")
      : button(words("problem.again"), () => again(), "main");
    const second = files === undefined ? null : button(words("problem.files"), () => files());
    showMessage(message(`problem.${why}`, values), h("div", { className: "row" }, first, second));
  });
}
