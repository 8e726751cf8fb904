// Every word on the page, in one table: a translation is another table of this shape. The words in index.html are for
// browsers that cannot run the page at all.

import type { Kind } from "./media.ts";
import type { LinkError } from "./link.ts";
import type { Ended } from "./relay.ts";

const LOCALE = "en-US";

/** A size in bytes, truncated: `3.4 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  let [tenths, unit] = [Math.floor(bytes / 100), 0];
  for (; tenths >= 10_000; unit++) tenths = Math.floor(tenths / 1000);
  const number = tenths < 1000 ? (tenths / 10).toFixed(1) : String(Math.floor(tenths / 10));
  return `${number} ${["kB", "MB", "GB", "TB", "PB"][unit]}`;
}

/** A time in Unix seconds: `Nov 22 at 14:03`, with the year where it is not that of `now`. */
export function time(at: number, now = Date.now() / 1000): string {
  const [date, today] = [new Date(at * 1000), new Date(now * 1000)];
  const isThisYear = date.getFullYear() === today.getFullYear();
  const year: { year?: "numeric" } = isThisYear ? {} : { year: "numeric" };
  const day = date.toLocaleDateString(LOCALE, { day: "numeric", month: "short", ...year });
  const hour = date.toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return `${day} at ${hour}`;
}

const KINDS: Record<Kind | "file", string> = {
  photo: "photo",
  video: "video",
  sound: "sound",
  text: "text",
  file: "file",
};

const COMMAND = "share open";
const AGAIN = "Ask the sender to send it again.";
const COPY_AGAIN = "Copy the whole link from the message again. Nothing was opened.";
const NOT_OPENED = "Nothing was opened.";
const STILL_WAITING = "Nothing was opened: the share is still waiting.";
const BEGUN = "This browser has started to open this link and can resume in this tab. Nobody else can open it.";
const NEWER = "The sender used a newer version of share than this relay has.";
const HISTORY = "The link may still be in this browser’s history, but it no longer opens anything.";
const DONT_TRUST = "Tell the sender, and don’t trust this relay.";

/** How to open the link without this page. */
export const commandLine = {
  command: COMMAND,
  before: "With the share program: run",
  after: "in a terminal, then paste the whole link.",
};

/** A heading, and the lines below it. */
export interface Message {
  readonly title: string;
  readonly lines: readonly string[];
}

const message = (title: string, ...lines: string[]): Message => ({ title, lines });

/** The opener's two words, behind the time of the opening. */
const by = (words: string | null) => (words === null ? "" : ` (${words})`);

export const loading = message("One moment…");

export const waiting = {
  title: "Something was sent to you",
  name: "Name",
  what: "Content",
  until: "Expires",
  kind: (kind: Kind | "file", bytes: number) => `${KINDS[kind]}, ${size(bytes)}`,
  files: (count: number, bytes: number) => `${count} files, ${size(bytes)}`,
  more: (count: number) => `and ${count} more`,
  once: "This link works once. After that nobody can open it again.",
  viewOnly: "View only: the sender asks you not to keep a copy.",
  hold: "Press and hold to open",
  holding: "Keep holding…",
  release: "Let go to open",
  why: "This keeps link previews and scanners from opening the link.",
  slipped: NOT_OPENED,
  short: "Hold for a full second, then let go; or type OPEN below.",
  long: "That was too long. Hold for a second, then let go.",
  orType: "Or type OPEN and press Enter",
  word: "OPEN",
  wrongWord: "Nothing was opened. Type the four letters OPEN.",
  open: "Open",
  perhaps:
    "This browser may be unable to show this kind of video, and the sender does not allow saving it. Once you open " +
    "the link here, no other browser can open it. To be safe, use another browser or the share program.",
  inApp: (app: string) =>
    `This page is inside ${app === "" ? "another app" : app}. Apps often lose files that you save from a page. ` +
    "To save the file, don’t open it here: choose “Open in browser” in the app’s menu (⋯ or ⋮), or copy the link " +
    "from the message into your browser.",
  forgetful:
    "This browser does not let this page store anything. Don’t reload the page during the download: it could not " +
    "resume.",
};

export const trust = {
  plain:
    "This page came over plain http, so others on the network could have changed it. On a network that you don’t " +
    "trust, use the share program.",
  title: "Who can see this?",
  lines: [
    "The relay cannot read what it stores. The key is the part of the link after the #, which browsers don’t send.",
    "But the relay also sent this page: to use it, you must trust the relay’s operator. The share program avoids that.",
    "While you view a file, your browser keeps it in memory or on disk. Nobody can prevent a photo of your screen.",
  ],
};

export const passphrase = {
  title: "Enter the passphrase",
  line: "The sender gives you the passphrase separately from the link.",
  label: "Passphrase",
  show: "Show passphrase",
  go: "Continue",
  working: "Checking the passphrase…",
  wrongAgain: "Wrong passphrase. Capital letters and spaces count.",
  wrong: (left: number) => {
    if (left === 0) return "Wrong passphrase. This was the last try: the next one locks the share for good.";
    const tries = left === 1 ? "1 more try" : `${left} more tries`;
    return `Wrong passphrase. Capital letters and spaces count. You have ${tries} before the share is locked for good.`;
  },
};

export const opening = {
  title: "Opening…",
  progress: "Progress",
  part: (done: number, all: number) => `${Math.floor((100 * done) / Math.max(all, 1))} % of ${size(all)}`,
  stay: "Keep this tab open. If the connection breaks, the download resumes by itself, even after a reload.",
  waiting: (host: string) => `Waiting for ${host}`,
  waits: (host: string, seconds: number) => `Waiting for ${host}, trying again in ${seconds} s`,
  now: "Try now",
};

export const showing = {
  untitled: (kind: Kind | "file") => `A ${KINDS[kind]}`,
  of: (number: number, count: number) => `${number} of ${count}`,
  previous: "Previous",
  next: "Next",
  save: "Save",
  copy: "Copy",
  copied: "Copied.",
  notCopied: "This browser doesn’t let pages copy. Select the text instead.",
  share: "Save with another app…",
  shared: "Shared with the app you chose.",
  notShared: "This device could not share the file with another app. Save it instead.",
  saved: "Check your downloads, then close.",
  savedInApp: (app: string) =>
    `${app === "" ? "The app around this page" : app} may have lost the file. Check your downloads before you close.`,
  close: "Close",
  gone: closingDeletes,
  viewOnly: (count: number) => `${closingDeletes(count)} The sender asks you not to keep a copy.`,
  notShown: "This page cannot show this kind of file. Save it, then close.",
  notHere: (codec: string | null) => `${cannotShow(codec)}. Save it, open it with another program, then close.`,
  empty: "This file is empty.",
  blank: "This text has no visible characters.",
  full: "Full size",
  fit: "Fit",
  notShownAtAll: (codec: string | null, until: number) =>
    `${cannotShow(codec)}, and the sender does not allow saving it. Nothing is deleted if you leave without closing: ` +
    `this browser can open it again until ${time(until)}. Tell the sender that you have not seen it.`,
  cover: "Covered while you are in another tab or app",
  unseen: (count: number, of: number) => {
    if (of === 1) return "This file has not been seen or saved yet.";
    return count === 1
      ? "1 of these files has not been seen or saved yet."
      : `${count} of these files have not been seen or saved yet.`;
  },
  arrived: (count: number) =>
    count === 1
      ? "You saved a file. Is it in your downloads? After you close, nobody can open it again."
      : `You saved ${count} files. Are they in your downloads? After you close, nobody can open them again.`,
  there: "Yes, close now",
  notYet: "Go back",
  back: "Go back",
  anyway: "Close anyway",
};

function closingDeletes(count: number): string {
  return `Closing deletes the ${count === 1 ? "file" : "files"} for good.`;
}

function cannotShow(codec: string | null): string {
  return `This browser cannot show ${codec === null ? "this file" : `this ${codec} video`}`;
}

const openedBy = (words: string) => `The sender sees it was opened by: ${words}.`;

export const closed = {
  closing: message("Closing…", "Asking the relay to delete the share…"),
  done: (words: string) =>
    message(
      "Closed and deleted",
      "The relay has deleted the share, and this page keeps nothing.",
      openedBy(words),
      HISTORY,
    ),
  /** The relay ended the share before it was closed here. */
  otherwise: message(
    "Closed and deleted",
    "The relay deleted the share before you closed it here, so the sender may not see that you opened it.",
    HISTORY,
  ),
  unreported: (host: string) =>
    message("Closed, not yet deleted", `${host} did not answer. It will delete the share by itself within a day.`),
  before: (at: string, words: string | null = null) =>
    message(
      "Already opened",
      `You opened this link in this browser on ${at}, and the share was deleted.`,
      ...(words === null ? [] : [openedBy(words)]),
      "A link opens once. Ask the sender to send it again.",
    ),
  again: "Try again",
};

export const ended: Record<Ended, (at: string, words: string | null) => Message> = {
  "already-opened": (at, words) =>
    message(
      "Already opened",
      `This link was opened on ${at}, in another browser or on another device${by(words)}.`,
      "If that was not you, someone else has seen it: tell the sender.",
    ),
  lapsed: (at) =>
    message("Too late", `This browser started to open this link and did not finish before ${at}.`, AGAIN),
  expired: (at) => message("Expired", `This link expired on ${at}. Nobody opened it.`, AGAIN),
  revoked: (at) => message("Revoked", `The sender revoked this link on ${at}.`, "Ask the sender why."),
  locked: (at) => message("Locked", `This link was locked on ${at} after too many wrong passphrases.`, AGAIN),
  aborted: () => message("Not available", "This share was never uploaded completely.", AGAIN),
};

export const beingOpened = (at: string, until: string, words: string | null) =>
  message(
    "Being opened",
    `Another browser or device started to open this link on ${at}${by(words)} and has not finished.`,
    `If that was you, open the link there again before ${until}.`,
    "If not, someone else is opening this link: tell the sender.",
  );

export const otherTab = {
  open: message(
    "Open in another tab",
    "This link is already open in another tab of this browser. Continue there.",
    "If you close that tab, you can continue here.",
  ),
  gone: message("The other tab is closed", "You can continue here."),
  here: "Continue here",
};

export const keyElsewhere = (until: string) =>
  message(
    "The key is missing",
    "This browser has started to open this link, but this tab does not have the key.",
    `Open the link from the message in this browser again before ${until}. Nothing is lost.`,
  );

export const unknown = (host: string) =>
  message("Not found", `${host} has no such share. It may have ended more than 30 days ago.`, AGAIN);

export function linkError(error: LinkError): Message {
  switch (error.why) {
    case "no-key":
      return message(
        "The key is missing",
        "This address lacks the part after the #, which is the key. Open the link from the message again.",
        "Nothing was opened. If your network asks you to log in first, that may have cut off the key.",
      );
    case "exposed":
      return message(
        "The link was changed on the way",
        "The # in the link was replaced, so the key was sent to the relay and may be in the logs of servers.",
        "Open the link from the message now, or ask for a new one: anyone who reads such a log could open this link.",
      );
    case "not-a-link":
      return message("This is not a share link", "Open the link from the message again.");
    case "short":
      return message(
        "The link is damaged",
        error.by === 1 ? "1 character is missing at its end." : `${error.by} characters are missing at its end.`,
        COPY_AGAIN,
      );
    case "long":
      return message(
        "The link is damaged",
        error.by === 1
          ? "It is 1 character too long."
          : `It is ${error.by} characters too long.`,
        COPY_AGAIN,
      );
    case "damaged":
      return message("The link is damaged", "At least one character is wrong.", COPY_AGAIN);
    case "too-new":
      return message("This page is too old", NEWER, NOT_OPENED);
  }
}

export const unreachable = {
  message: (host: string, begun: boolean) =>
    message("No answer", `${host} cannot be reached.`, begun ? BEGUN : NOT_OPENED),
  again: "Try again",
};

export const notARelay = (host: string, begun: boolean) =>
  message(
    "Not a share relay",
    `${host} did not answer like a share relay. Another server may have answered in its place.`,
    begun ? BEGUN : NOT_OPENED,
  );

export const damaged = message(
  "Damaged",
  "The data from the relay is damaged or was changed. None of it is shown.",
  DONT_TRUST,
);

export const changed = message(
  "Changed",
  "The relay sent something other than what this page showed you before. None of it is shown.",
  DONT_TRUST,
);

export const unexpected = message(
  "Something went wrong",
  "This page failed, or this browser ran out of memory.",
  "If you had started to open the link, you can resume in this tab.",
);

export const tooNew = (begun: boolean) => message("This page is too old", NEWER, begun ? BEGUN : NOT_OPENED);

export const refused = {
  tooLarge: (bytes: number, most: number, phone: boolean) =>
    message(
      "Too large for this page",
      `The share is ${size(bytes)}; a browser like this can hold up to ${size(most)}.` +
        (phone ? " A browser on a computer can hold more." : ""),
      STILL_WAITING,
    ),
  notShowable: message(
    "This share cannot be shown here",
    "This browser cannot show this kind of file, and the sender does not allow saving it.",
    STILL_WAITING,
  ),
};

export const unsupported = message(
  "This browser is too old",
  "This browser cannot decrypt what was sent. Nothing was opened. Update the browser, or use another one.",
);
