// The reasons why something was not sent. The screens have words for each.

import { NotNow, Refusal } from "../relay.ts";

/** The reason why something was not sent. */
export type Why =
  // The relay's rules.
  | "not-allowed"
  | "quota"
  | "too-large"
  | "too-long-lived"
  | "no-space"
  | "slow-down"
  /** The names of these files are too long for one share. */
  | "too-many-files"
  // The way to the relay.
  | "not-a-relay"
  /** Something in front of the relay requires a login. */
  | "fronted"
  /** Data on the way to the relay is corrupted again and again. */
  | "garbled"
  /** The relay lost the upload, or gave it up, more than once. */
  | "abandoned"
  // This browser.
  /** The browser can no longer read a file. */
  | "unreadable"
  /** The browser has no source of random numbers. */
  | "unsupported"
  /** The sender revoked the share while it was uploaded, here, in another tab, or by leaving the page. */
  | "revoked";

/** The relay's figures for a refusal. */
export interface Details {
  /** The limit: bytes (`too-large`, `quota`), seconds (`too-long-lived`) or shares (`quota`). */
  readonly max?: number | null;
  /** The limit of a create token that is used up (`quota`). */
  readonly limit?: "bytes" | "shares" | null;
  /** Unix seconds: when it may succeed (`quota`, `slow-down`). */
  readonly until?: number | null;
  /** The index of the item that cannot be read (`unreadable`). */
  readonly item?: number;
}

/** Something was not sent, and nothing of it is left at the relay, as far as the relay could be reached. */
export class Refused extends Error {
  constructor(
    readonly why: Why,
    readonly details: Details = {},
  ) {
    super(why);
  }
}

/** The relay received other bytes than were sent. The request is repeated. */
export class Garbled extends NotNow {}

/** Whether an upload cannot go on, and another one may: the relay does not know it any more, or has given it up. */
export function isLost(error: unknown): boolean {
  return error instanceof Refusal && (error.why === "unknown" || error.why === "aborted");
}

/** The error for the screens. */
export function refused(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  if (error.why === "fronted" || error.why === "not-a-relay") return new Refused(error.why);
  return new Refused(isLost(error) ? "abandoned" : "revoked");
}
