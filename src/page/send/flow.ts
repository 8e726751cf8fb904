// The order of the screens.

import { retryLine, showMessage } from "../dom.ts";
import { NotNow, Refusal } from "../relay.ts";
import { Backoff } from "../retry.ts";
import { Refused, refused } from "../upload/refused.ts";
import { about, allowance } from "../upload/requests.ts";
import { currentToken, forgetToken, useToken } from "../upload/token.ts";
import { choose } from "./choosing.ts";
import { Draft } from "./draft.ts";
import { goBack, onBack } from "./history.ts";
import { takeIn } from "./intake.ts";
import { leaveKept, showKept } from "./kept.ts";
import { usualTime } from "./options.ts";
import { showProblem } from "./problem.ts";
import { review } from "./review.ts";
import { showSent } from "./sent.ts";
import { HOST, page } from "./state.ts";
import { message, words } from "./texts.ts";
import { askToken } from "./token.ts";
import { transfer } from "./transfer.ts";

/** Asks the relay what it allows, then shows the first screen. */
export async function begin(settled: Promise<void>): Promise<void> {
  const line = retryLine(HOST);
  const backoff = new Backoff(line.waits);
  line.again(() => backoff.now());
  showMessage(message("loading"), ...line.nodes);
  try {
    page.about = await backoff.until(about);
    const token = page.about.create === "token" ? currentToken() : null;
    if (token !== null) await backoff.until(() => admitted(token));
    await settled;
    page.draft = new Draft(usualTime(page.about.maxTtl));
    if (page.about.create === "open" || currentToken() !== null) toChoosing();
    else toToken(token === null ? "" : "token.wrong");
  } catch (error) {
    await settled;
    showProblem(refused(error), { again: () => void begin(settled) });
  }
}

/** Asks the relay what a token allows. Returns whether the relay accepts it; one that it does not is forgotten. */
async function admitted(token: string): Promise<boolean> {
  page.allowance = null;
  try {
    page.allowance = await allowance(token);
    return true;
  } catch (error) {
    // Older relays do not answer this question.
    if (error instanceof Refusal && error.why === "unknown") return true;
    if (!(error instanceof Refused) || error.why !== "not-allowed") throw error;
    forgetToken(token);
    return false;
  }
}

/** Asks for a token. `why`: the reason, if there is one. */
function toToken(why: "token.wrong" | "" = ""): void {
  takeIn(null);
  const reason = () => (why === "" ? "" : words(why, { host: HOST }));
  askToken(async (token, isKept) => {
    try {
      if (!(await admitted(token))) return words("token.wrong", { host: HOST });
    } catch (error) {
      if (error instanceof NotNow) return words("token.no_answer", { host: HOST });
      showProblem(refused(error), { again: () => toToken() });
      return "";
    }
    useToken(token, isKept);
    if (page.draft!.isEmpty) toChoosing();
    else toReview();
    return "";
  }, reason);
}

function toChoosing(): void {
  leaveKept();
  onBack(null);
  page.isBusy = () => !page.draft!.isEmpty;
  choose({ review: toReview, kept: toKept, forget: currentToken() === null ? null : forget });
}

/** Forgets the token, and asks for another one if the relay wants one. */
function forget(): void {
  forgetToken();
  page.allowance = null;
  if (page.about!.create === "token") toToken();
  else toChoosing();
}

function toKept(): void {
  onBack(toChoosing);
  takeIn(null);
  showKept();
}

function toReview(notice = () => ""): void {
  onBack(toChoosing);
  page.isBusy = () => !page.draft!.isEmpty;
  review({ back: goBack, send: () => void send() }, notice);
}

let isSending = false;

/** Sends what was chosen, and makes room for something else once it is sent. A second press at once sends nothing. */
async function send(): Promise<void> {
  if (isSending) return;
  isSending = true;
  try {
    await sendNow();
  } finally {
    isSending = false;
  }
}

async function sendNow(): Promise<void> {
  const draft = page.draft!;
  await transfer({
    sent: (sent) => {
      page.draft = new Draft(usualTime(page.about!.maxTtl));
      showSent(sent, draft, toChoosing);
      const token = currentToken();
      if (token !== null) void admitted(token).catch(() => {});
    },
    canceled: () => toReview(() => words("review.canceled")),
    failed: (error) => {
      onBack(toReview);
      showProblem(error, { again: () => void send(), files: goBack, token: toToken });
    },
  });
}
