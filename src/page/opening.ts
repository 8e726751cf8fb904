// The opening: claim and receive, show, close.

import { button, redrawable, type RetryLine, retryLine, showMessage } from "./dom.ts";
import { storedBytes } from "./download.ts";
import { ending } from "./ending.ts";
import { failed } from "./failure.ts";
import type { Begun, Closing, Opening } from "./journal.ts";
import * as journal from "./journal.ts";
import type { Link } from "./link.ts";
import { claim, divided, type Opened, receive, receiptFor } from "./open.ts";
import type { Manifest } from "./manifest.ts";
import { defaultName } from "./media.ts";
import { openersWords, wordlist } from "./opener.ts";
import { Progress } from "./progress.ts";
import { Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import * as reporting from "./reporting.ts";
import { Backoff } from "./retry.ts";
import { safeName } from "./safe_text.ts";
import { canStream, type Chosen, MOST_HELD, picked } from "./saving.ts";
import { claimantOf, type Keys, keysOf } from "./secret.ts";
import { forget, hideLink, page } from "./state.ts";
import * as parts from "./stored.ts";
import { message, words } from "./texts.ts";
import { show, type Showing } from "./viewer.ts";

const HOST = location.host;
/** Attempts of a request before the page shows an error. */
const ATTEMPTS = 4;

/** The longest lease of a claim, in seconds: for so long another tab may resume. */
export const LEASE_S = 24 * 3600;

/** Saves that this browser is opening the share, then opens it. `resumed`: another tab began. `file`: as `opening`. */
export function open(
  link: Link,
  id: Uint8Array,
  stretched: Uint8Array,
  begun: Begun,
  resumed: boolean,
  file: Chosen | null = null,
): void {
  const known: Opening = {
    stage: "opening",
    fragment: link.fragment,
    stretched,
    claimToken: begun.claimToken,
    shown: begun.shown,
  };
  journal.keep(id, known);
  journal.keep(id, begun);
  hideLink(id);
  void opening(link, known, resumed, file);
}

/** Opens a share. `resumed`: an opening of it had begun before. `file` gets what is too large to be shown. */
export async function opening(link: Link, known: Opening, resumed: boolean, file: Chosen | null = null): Promise<void> {
  const { claimToken, shown } = known;
  const keys = keysOf(link, known.stretched);
  page.claimed = { id: keys.id, claimToken };
  const progress = new Progress(HOST);
  const claiming = new Backoff(progress.waits);
  progress.again(() => claiming.now());
  page.busy = "opening";
  try {
    const opened = await claiming.until(() => claim(keys, claimToken, shown));
    // For the words at the end, while the relay answers.
    void wordlist();
    const until = leaseOf(keys.id, opened.claimed);
    journal.keep(keys.id, { stage: "begun", claimToken, shown, until });
    const { manifest } = opened;
    const isLarge = manifest.total > MOST_HELD;
    if (file === null && isLarge && canStream(manifest)) {
      const again = (chosen: Chosen | null = null) => void opening(link, known, resumed, chosen);
      return choose(manifest, again, () => void failed(new Error("no file may be written"), again, true));
    }
    await reporting.prepare(keys, claimToken, opened.claimed, until);
    const { waits, again, arrived } = progress;
    const content = isLarge && file === null ? await parts.content(keys.id) : null;
    const { blob_len } = opened.claimed;
    const store = await storeOf(keys.id, opened.claimed, progress, content === null ? blob_len : 2 * blob_len);
    progress.begin(blob_len, manifest.total, storedBytes(store, opened.claimed), resumed);
    const blobs = await receive(keys, claimToken, opened, { waits, again, arrived, store }, file ?? content);
    const files = content === null ? blobs : divided(await content.getFile(), manifest);
    present(keys, claimToken, opened, file ?? files, until);
  } catch (error) {
    const why = error instanceof Refusal ? error.why : null;
    // A share that has ended cannot be resumed. After any other error it can, in this tab.
    if (why !== null && !["damaged", "changed", "not-a-relay", "fronted"].includes(why)) {
      page.busy = null;
      forget(keys.id);
    }
    // Parts with right checksums may be what is damaged.
    if (why === "damaged") void parts.remove(keys.id);
    const retry = () => {
      showMessage(message("loading"));
      void opening(link, known, true);
    };
    void failed(error, retry, true);
  } finally {
    progress.end();
  }
}

/** The store for the parts that arrive, if this browser has `room`. Shows on the page what a reload does. */
async function storeOf(
  id: Uint8Array,
  claimed: relay.Claimed,
  progress: Progress,
  room: number,
): Promise<parts.Store | null> {
  // Without the tab's storage a reload loses the key.
  if (claimed.part !== undefined || !journal.works()) return null;
  const again = () => progress.stay("opening.stay_again");
  const store = await parts.open(id, room, again);
  if (store === null) again();
  else progress.stay("opening.stay_kept");
  return store;
}

/** The end of the lease in Unix seconds of this browser's clock, which may differ from the relay's. */
function leaseOf(id: Uint8Array, { at, until }: relay.Claimed): number {
  const lease = Math.min(Math.max(until - at, 0) || LEASE_S, LEASE_S);
  return Math.min(journal.begun(id)?.until ?? Infinity, journal.now() + lease);
}

/** Asks where to save the file of a share that is too large to be shown. `refused`: this browser writes to no file. */
export function choose({ entries, name }: Manifest, go: (file: Chosen) => void, refused: () => void): void {
  const suggested = safeName(entries[0]!.name ?? name, defaultName(entries[0]!.type));
  const pick = () => void picked(suggested).then((file) => (file === null ? refused() : go(file)), () => {});
  redrawable(() => {
    const lines = [words("waiting.large")];
    showMessage({ title: suggested, lines }, button(words("showing.save"), pick, "main"));
  });
}

/** Shows the files, or the name of the one that was saved, until the user closes them. */
function present(
  keys: Keys,
  claimToken: Uint8Array,
  { manifest, claimed }: Opened,
  what: readonly Blob[] | Chosen,
  until: number,
): void {
  const { id } = keys;
  const isHeld = claimed.report !== undefined;
  const closing: Closing = { stage: "closing", id, claimToken, receipt: receiptFor(keys, claimToken), isHeld, until };
  const end = () => {
    showing.end();
    page.busy = null;
    closes(closing);
    void close(closing);
  };
  const saved = (name: string): Showing => {
    const lines = [ending({ id, isHeld, manifest })];
    showMessage({ title: words("showing.saved_as", { name }), lines }, button(words("showing.close"), end, "main"));
    // Nobody has seen it: leaving the page does not finish the share.
    return { done: () => false, end: () => {} };
  };
  const showing: Showing =
    "name" in what ? saved(what.name) : show({ manifest, blobs: what, until: claimed.until, isHeld, id }, end);
  page.busy = { showing, closing };
}

/** Saves that the share is being closed. What was stored of it is not needed any more. */
export function closes(closing: Closing): void {
  journal.keep(closing.id, closing);
  reporting.ended(closing.id);
  void parts.remove(closing.id);
}

/** Finishes the share at the relay, and shows the outcome. */
export async function close(closing: Closing): Promise<void> {
  const line = retryLine(HOST);
  showMessage(message("closed.closing"), ...line.nodes);
  const { id, isHeld } = closing;
  let done = true;
  try {
    await retrying(line, () => finish(closing));
  } catch (error) {
    if (!(error instanceof Refusal) || ["not-a-relay", "fronted"].includes(error.why)) {
      const again = () => {
        removeEventListener("online", again);
        void close(closing);
      };
      addEventListener("online", again);
      return redrawable(() =>
        showMessage(message("closed.unreported", { host: HOST }), button(words("failed.again"), again, "main")),
      );
    }
    reporting.ended(id, error.at);
    done = false;
  }
  forget(id);
  hideLink(id, journal.now());
  reporting.closed(id);
  const opener = await openersWords(claimantOf(id, closing.claimToken));
  redrawable(() => {
    if (!done || !isHeld)
      return showMessage(message(done ? "closed.done" : "closed.otherwise", { opener }), reporting.reportButton(id));
    // The last paragraph is true until the share is reported.
    const { title, lines } = message("closed.held", { opener });
    showMessage({ title, lines: lines.slice(0, -1) }, reporting.reportButton(id, lines.at(-1)));
  });
}

export function finish({ id, claimToken, receipt }: Closing): Promise<void> {
  return relay.finish({ id, token: claimToken }, receipt);
}

/** Repeats a request a few times, and shows the wait on the page. */
export async function retrying<T>({ waits, again }: RetryLine, ask: () => Promise<T>): Promise<T> {
  const asking = new Backoff(waits, ATTEMPTS);
  again(() => asking.now());
  return asking.until(ask);
}
