// The shares of one send: one, or one for each recipient. Either all of them are committed, or none is left. The secret
// of a link leaves this module only when all are committed.
//
// A share is in the outbox before its relay hears of it, so that what a crash leaves is revoked by the next visit. A
// request is repeated with the same bytes. If the relay has lost an upload, or given it up, it is revoked, and another
// one begins: with a new secret, new keys and a new id.

import { kindOf } from "../media.ts";
import { Backoff } from "../retry.ts";
import { ageLenOf, padded } from "./blob.ts";
import { type Fresh, fresh, random } from "./keys.ts";
import { write } from "./listing.ts";
import type { Kept } from "./outbox.ts";
import * as outbox from "./outbox.ts";
import { isLost, Refused, refused } from "./refused.ts";
import { type About, about, revoke } from "./requests.ts";
import { withdraw } from "./status.ts";
import { forgetToken } from "./token.ts";
import { type Plan, unless, upload } from "./upload.ts";

export { Refused } from "./refused.ts";

/** Uploads of one share before its loss is an error. */
const UPLOADS = 3;
/** The longest time that revoking an upload may take before the screen goes on, in milliseconds. */
const REVOKE_MS = 5000;

/** One file to send. */
export interface Item {
  /** Its directories and its name; empty if it has no name. */
  readonly path: readonly string[];
  /** The media type. */
  readonly type: string;
  readonly content: Blob;
}

/** The sender's choices. */
export interface Options {
  /** Seconds from the commit until the share expires. */
  readonly ttl: number;
  /** Not empty. */
  readonly passphrase: string | null;
  readonly viewOnly: boolean;
  readonly from: string | null;
  readonly note: string | null;
  /** A name for several files together. */
  readonly name: string | null;
  readonly createToken: string | null;
  /** The recipients of a link each, as the sender calls them; `null` for one without a name. At least one. */
  readonly recipients: readonly (string | null)[];
}

/** Called while something is sent. */
export interface Events {
  /** Once: the bytes that will be sent. */
  begin(total: number): void;
  /** Bytes so far, acknowledged or on their way. Falls only when an upload starts anew. */
  sent(bytes: number): void;
  /** Seconds until the next attempt, every second; `null` when it starts. */
  waits(seconds: number | null): void;
}

/** A committed share. */
export interface Sent {
  readonly link: string;
  readonly kept: Kept;
  /** Unix seconds of the relay. */
  readonly expires: number;
}

/** Shares that are being sent. */
export class Sending {
  readonly #stop = new AbortController();
  readonly #backoff: Backoff;
  /** Uploads that the relay may know of, and whether it may have committed them. */
  readonly #announced = new Map<Kept, boolean>();
  readonly #plan: Omit<Plan, "manifest">;
  #running: Promise<unknown> = Promise.resolve();
  /** Bytes of the shares that are committed. */
  #done = 0;
  /** The highest number of bytes that was reported of the present upload. */
  #high = 0;

  constructor(
    private readonly items: readonly Item[],
    private readonly options: Options,
    private readonly events: Events,
  ) {
    this.#backoff = new Backoff((seconds) => events.waits(seconds), Infinity, this.#stop.signal);
    const contents = items.map(({ content }) => content);
    const blobLen = padded(ageLenOf(this.#size));
    this.#plan = { contents, blobLen, ttl: options.ttl, createToken: options.createToken };
  }

  get #size(): number {
    return this.items.reduce((sum, { content }) => sum + content.size, 0);
  }

  /**
   * Sends. Throws `Refused`, or any error of this page's own; nothing is left at the relay then, as far as it could be
   * reached.
   */
  run(): Promise<readonly Sent[]> {
    const running = this.#run();
    this.#running = running.catch(() => {});
    return running;
  }

  /** Starts the next attempt at once. */
  now(): void {
    this.#backoff.now();
  }

  /** Ends the upload and revokes what exists of it: `run` throws `revoked`. */
  async cancel(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<readonly Sent[]> {
    // A page that is left does not wait for answers. What the relay does not hear now, the next visit revokes.
    const leave = () => {
      this.#stop.abort();
      for (const { id, ownerToken } of this.#announced.keys())
        revoke({ id, token: ownerToken }, { keepalive: true }).catch(() => {});
    };
    addEventListener("pagehide", leave);
    try {
      // Without random numbers nothing is read or asked.
      random(1);
      await outbox.hold();
      this.events.begin(this.#plan.blobLen * this.options.recipients.length);
      const relay = await this.#unless(this.#backoff.until(() => about()));
      const sent: Sent[] = [];
      for (const recipient of this.options.recipients) sent.push(await this.#send(relay, recipient));
      this.#stop.signal.throwIfAborted();
      // Another tab has revoked one, and perhaps before the relay knew of it.
      if (sent.some(({ kept }) => outbox.get(kept.id)?.state.word !== "uploading")) throw new Refused("revoked");
      // From here on the page that is left revokes nothing.
      for (const { kept } of sent) outbox.keep(kept);
      return sent;
    } catch (error) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), REVOKE_MS);
      const each = [...this.#announced];
      await Promise.all(each.map(([kept, mayBeCommitted]) => withdraw(kept, mayBeCommitted, late.signal)));
      clearTimeout(timer);
      if (this.#stop.signal.aborted) throw new Refused("revoked");
      const why = refused(error);
      if (why instanceof Refused && why.why === "not-allowed") forgetToken(this.options.createToken);
      throw why;
    } finally {
      removeEventListener("pagehide", leave);
    }
  }

  /** Sends one share, if need be several times anew. */
  async #send(relay: About, recipient: string | null): Promise<Sent> {
    for (let uploads = 1; ; uploads++) {
      const share = await this.#unless(fresh(this.options.passphrase));
      const kept = this.#keptOf(share, recipient);
      outbox.keep(kept);
      try {
        const expires = await upload(share, this.#planOf(), {
          backoff: this.#backoff,
          stop: this.#stop.signal,
          moved: (bytes) => this.#report(bytes),
          asks: (toCommit) => this.#announced.set(kept, toCommit),
        });
        this.#done += this.#plan.blobLen;
        this.#high = 0;
        this.events.sent(this.#done);
        const state = { ...kept.state, word: "waiting" as const, expires };
        return { link: `${relay.address}#${share.link.fragment}`, kept: { ...kept, state }, expires };
      } catch (error) {
        // A token is the first thing that is compared: nothing was created.
        if (error instanceof Refused && error.why === "not-allowed") this.#announced.delete(kept);
        // Another tab has revoked it.
        const isUnwanted = outbox.get(kept.id)?.state.word !== "uploading";
        if (!this.#announced.has(kept)) outbox.forget(kept.id);
        if (!isLost(error) || isUnwanted || uploads === UPLOADS || this.#stop.signal.aborted)
          throw isLost(error) && isUnwanted ? new Refused("revoked") : error;
        await this.#unless(this.#backoff.until(() => revoke({ id: kept.id, token: kept.ownerToken })));
        this.#announced.delete(kept);
        outbox.forget(kept.id);
        this.#high = 0;
        this.events.sent(this.#done);
      }
    }
  }

  #unless<T>(work: Promise<T>): Promise<T> {
    return unless(this.#stop.signal, work);
  }

  #report(bytes: number): void {
    if (bytes <= this.#high) return;
    this.#high = bytes;
    this.events.sent(this.#done + bytes);
  }

  #planOf(): Plan {
    const { name, from, note, viewOnly } = this.options;
    const files = this.items.map(({ path, type, content }) => ({ path, type, size: content.size }));
    const lengths = { ageLen: ageLenOf(this.#size), blobLen: this.#plan.blobLen };
    return { ...this.#plan, manifest: write({ name, from, note, files, viewOnly, now: Date.now(), ...lengths }) };
  }

  /** The entry of a share in the outbox. */
  #keptOf({ keys, ownerToken }: Fresh, recipient: string | null): Kept {
    const kinds = new Set(this.items.map(({ type }) => kindOf(type)));
    return {
      ...{ id: keys.id, ownerToken, receiptKey: keys.receiptKey },
      kind: kinds.size === 1 ? [...kinds][0]! : "file",
      ...{ count: this.items.length, size: this.#size, recipient, at: Math.floor(Date.now() / 1000) },
      ...{ state: outbox.UPLOADING, tab: outbox.tab() },
    };
  }
}
