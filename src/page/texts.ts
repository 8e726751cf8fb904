// Every word on the page, in one table: a translation is another table of this shape. What stands in index.html
// is for browsers that cannot run the page at all.

import type { Kind } from "./media.ts";
import type { LinkError } from "./link.ts";
import type { Ended } from "./relay.ts";

const LOCALE = "en-GB";

/** `3.4 MB`, as the program prints it. */
export function size(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  const unit = Math.min(Math.floor(Math.log10(bytes) / 3), 5);
  const tenths = Math.floor(bytes / 10 ** (3 * unit - 1));
  const number = tenths < 1000 ? (tenths / 10).toFixed(1) : String(Math.floor(tenths / 10));
  return `${number} ${["", "kB", "MB", "GB", "TB", "PB"][unit]}`;
}

/** `22 Nov at 14:03`, with the year where it is another one. */
export function time(at: number): string {
  const date = new Date(at * 1000);
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  const day = date.toLocaleDateString(LOCALE, { day: "numeric", month: "short", year } as Intl.DateTimeFormatOptions);
  const hour = date.toLocaleTimeString(LOCALE, { hour: "2-digit", minute: "2-digit" });
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
const COPY_AGAIN = "Go back to the message and copy the whole link. Nothing was asked and nothing was opened.";

/** How to open it without this page. */
export const commandLine = {
  command: COMMAND,
  before: "With the share program, in a terminal:",
  after: "and paste the whole link when it asks.",
};

/** A heading, and the lines below it. */
export interface Message {
  readonly title: string;
  readonly lines: readonly string[];
}

const message = (title: string, ...lines: string[]): Message => ({ title, lines });

export const loading = message("One moment…");

export const waiting = {
  title: "Something was sent to you",
  name: "Name",
  what: "What",
  until: "Until",
  kind: (kind: Kind | "file", bytes: number) => `${KINDS[kind]}, ${size(bytes)}`,
  files: (count: number, bytes: number) => `${count} files, ${size(bytes)}`,
  more: (count: number) => `and ${count} more`,
  once: "It can be opened once. Then it is gone, for everybody with this link.",
  viewOnly: "The sender wants it to be looked at and not kept.",
  hold: "Press and hold to open",
  holding: "Keep holding…",
  release: "Let go to open",
  why: "It is held for a second so that a person opens it, and not a program that looks at links.",
  slipped: "Nothing was opened.",
  short: "Hold it for a whole second, then let go; or type the word below.",
  long: "That was very long. Hold it for a second, then let go.",
  orType: "Or type OPEN here, and press Enter",
  word: "OPEN",
  wrongWord: "Type the four letters OPEN. Nothing was opened.",
  open: "Open",
  perhaps:
    "This browser may be unable to show this kind of video. The sender does not allow saving, and once you open it, only this browser can continue. To be safe, use another browser or the share program.",
  inApp: (app: string) =>
    `This page runs inside ${app === "" ? "another app" : app}, and such apps often discard the files that a page saves, without an error. To save the file, don’t open it here: choose “Open in browser” in this app’s menu (⋯ or ⋮), or copy the link from the message into your browser.`,
  forgetful: "This browser is set to remember nothing. Don't reload this page while it opens: what has begun would be lost.",
};

export const trust = {
  plain:
    "This page came over plain http: whoever controls the network it came through could have changed it. On a network that you don't trust, use the share program.",
  title: "Whom you trust here",
  lines: [
    "The relay that keeps this cannot read it: the key is the part of the link behind the #, which no browser sends.",
    "But the relay has sent you this page, so for this moment you trust whoever runs it. The share program needs no such trust.",
    "While you look at it your browser holds it, in its memory or in its own temporary files. Nobody can prevent a photo of your screen.",
  ],
};

export const passphrase = {
  title: "It has a passphrase",
  line: "The sender has told it to you in another way.",
  label: "Passphrase",
  show: "Show it",
  go: "Continue",
  working: "Working out the key…",
  wrongAgain: "Wrong passphrase; capitals and spaces count.",
  wrong: (left: number) =>
    left === 0
      ? "Wrong passphrase. That was the last try: the next one locks it for good."
      : `Wrong passphrase; capitals and spaces count. ${left === 1 ? "One more may" : `${left} more may`} be tried before it is locked for good.`,
};

export const opening = {
  title: "Opening…",
  progress: "Progress",
  part: (done: number, all: number) => `${Math.floor((100 * done) / Math.max(all, 1))} % of ${size(all)}`,
  stay: "Keep this tab open: only it can go on. If the connection breaks, it goes on by itself, and after a reload too.",
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
  notCopied: "This browser doesn't let pages copy. Select the text instead.",
  share: "Save with another app…",
  shared: "Shared with the app you chose.",
  notShared: "This device could not share the file with another app. Save it instead.",
  saved: "Look into your downloads. When it is there, close.",
  savedInApp: (app: string) =>
    `${app === "" ? "The app that shows this page" : app} may have dropped the file without an error. Look into your downloads before you close.`,
  close: "Close",
  gone: "When you close it, it is gone.",
  viewOnly: "When you close it, it is gone. The sender wants it not to be kept.",
  notShown: "This page does not show this kind of file. Save it, then close.",
  notHere: (codec: string | null) =>
    `This browser cannot show ${codec === null ? "this file" : `this ${codec} video`}. Save it and open the saved file with another program, then close.`,
  empty: "This file is empty.",
  blank: "This text has no visible characters.",
  full: "Full size",
  fit: "Fit",
  notShownAtAll: (codec: string | null, until: number) =>
    `This browser cannot show ${codec === null ? "it" : `this ${codec} video`}, and the sender wants it not to be kept. Nothing is deleted if you leave this page without closing it: this browser can open it again until ${time(until)}. Tell the sender that you have not seen it.`,
  cover: "Covered while you are elsewhere",
  unseen: (count: number, of: number) => {
    if (of === 1) return "It has not been seen or saved yet.";
    return count === 1 ? "One of these has not been seen or saved yet." : `${count} of these have not been seen or saved yet.`;
  },
  arrived: (count: number) =>
    count === 1
      ? "You saved a file. Is it in your downloads? After you close, nobody can open it again."
      : `You saved ${count} files. Are they in your downloads? After you close, nobody can open them again.`,
  there: "Saved, close now",
  notYet: "Go back",
  back: "Go back",
  anyway: "Close anyway",
};

export const closed = {
  title: "Gone",
  here: "Closed, and not yet deleted",
  done: "It was opened once, and the relay has deleted it. Nothing of it is kept on this page.",
  unreported: (host: string) =>
    `${host} could not be told yet that you have closed it; it deletes it by itself within a day, or as soon as you try again.`,
  reporting: "Telling the relay to delete it…",
  otherwise: "It is gone. The relay had ended it before it was closed here, so the sender may not see that it was opened.",
  words: (words: string) => `The sender sees that it was opened. The two words of this opening are “${words}”: the sender sees the same ones.`,
  before: (at: string, words: string | null = null) =>
    message(
      "Closed",
      `You opened it in this browser on ${at}, and it was then deleted.`,
      ...(words === null ? [] : [`The two words of that opening are “${words}”: the sender sees the same ones.`]),
    ),
  history: "The link may still be in this browser's history. It opens nothing any more.",
  again: "Try again",
};

export const ended: Record<Ended, (at: string, words: string | null) => Message> = {
  "already-opened": (at, words) =>
    message(
      "Already opened",
      `On ${at}.${words === null ? "" : ` The two words of that opening are “${words}”.`}`,
      "If that was not you, in another tab or browser, someone else has seen it: tell the sender.",
    ),
  lapsed: (at) => message("Too late", `This browser began to open it, and had until ${at} to go on.`, AGAIN),
  expired: (at) => message("Expired", `Nobody had opened it by ${at}, so it was deleted.`, AGAIN),
  revoked: (at) => message("Taken back", `The sender took it back on ${at}.`, "Nobody can open it any more."),
  locked: (at) => message("Locked", `On ${at}, after too many wrong passphrases. Nobody can open it any more.`, AGAIN),
  aborted: () => message("Not there", "It was never sent completely.", AGAIN),
};

export const beingOpened = (at: string, until: string, words: string | null) =>
  message(
    "Being opened",
    `Another browser or device began to open this share on ${at} and has not finished.${words === null ? "" : ` The two words of that opening are “${words}”.`}`,
    `If that was you, go back to that browser or device: it can continue until ${until}.`,
    "If it was not you, someone else is opening this share: tell the sender.",
  );

export const otherTab = {
  open: message("Open in another tab", "This share is already open in another tab of this browser. Continue there.", "When that tab is gone, this one can take over."),
  gone: message("The other tab is gone", "You can continue here."),
  here: "Continue here",
};

export const keyElsewhere = (until: string) =>
  message(
    "The key is missing",
    "This browser began to open this share, but this tab no longer has the key.",
    `Open the link from the message again in this browser: it can continue until ${until}. Nothing is lost.`,
  );

export const unknown = (host: string) =>
  message("Not known here", `${host} knows no such share. It may have ended more than 30 days ago.`, AGAIN);

export function linkError(error: LinkError): Message {
  const letters = (count: number) => (count === 1 ? "One character" : `${count} characters`);
  switch (error.why) {
    case "no-key":
      return message(
        "The key is missing",
        "This address has lost the part behind the #, which is the key. Go back to the message and open the link from there.",
        "Loading this page has opened nothing. On some networks you have to log in first, and that can cut off the key.",
      );
    case "exposed":
      return message(
        "The link was changed on its way",
        "Its # became something else, so its key has gone to the relay, and perhaps into the records of those on the way there.",
        "Copy the link from the message, or ask the sender for another one: whoever reads such records could open it.",
      );
    case "not-a-link":
      return message("This is not a share link", "Go back to the message and open the link from there.");
    case "short":
      return message("The link is damaged", `${letters(error.by)} missing at its end.`, COPY_AGAIN);
    case "long":
      return message("The link is damaged", `${letters(error.by)} too many at its end.`, COPY_AGAIN);
    case "damaged":
      return message("The link is damaged", "At least one character is wrong.", COPY_AGAIN);
    case "too-new":
      return message("The link needs a newer page", "It was made by a newer version of share than this relay has.", "Nothing was opened.");
  }
}

export const unreachable = {
  message: (host: string, begun: boolean) => message("No answer", `${host} cannot be reached. Nothing is lost.`, begun ? BEGUN : NOT_OPENED),
  again: "Try again",
};

const NOT_OPENED = "Nothing was opened.";
const BEGUN = "It is being opened by this browser: it can go on in this tab, and nobody else can open it.";

export const notARelay = (host: string, begun: boolean) =>
  message("Something is in the way", `What answers in the place of ${host} is not a relay.`, begun ? BEGUN : NOT_OPENED);

export const damaged = message(
  "Damaged",
  "What came from the relay is damaged, or was changed. Nothing of it is shown.",
  "Tell the sender, and don't trust this relay.",
);

export const changed = message(
  "Changed",
  "The relay sent something different from what this page showed you before you opened the share. None of it is shown.",
  "Tell the sender, and don't trust this relay.",
);

export const unexpected = message(
  "This should not happen",
  "Something went wrong in this page, or this browser ran out of room. If it was being opened, it can go on in this tab.",
);

export const tooNew = (begun: boolean) =>
  message("It needs a newer page", "It was made by a newer version of share than this relay has.", begun ? BEGUN : NOT_OPENED);

export const refused = {
  tooLarge: (bytes: number, most: number, phone: boolean) =>
    message(
      "Too large for this page",
      `It has ${size(bytes)}, and this browser can be expected to hold ${size(most)}.${phone ? " A browser on a computer can hold more." : ""}`,
      "Nothing was opened: it still waits.",
    ),
  notShowable: message(
    "This page cannot show it",
    "The sender wants it to be looked at and not kept, and browsers cannot show this kind of file.",
    "Nothing was opened: it still waits.",
  ),
};

export const unsupported = message(
  "This browser is too old",
  "It lacks what is needed to decrypt. Nothing was opened: update it, or use another one.",
);
