// The screen while something is sent: progress, the time left, the wait for the relay, and the way to cancel.

import { button } from "../dom.ts";
import { Progress } from "../progress.ts";
import { type Sent, Sending } from "../upload/sending.ts";
import { currentToken } from "../upload/token.ts";
import { stayAwake } from "./awake.ts";
import { onBack } from "./history.ts";
import { takeIn } from "./intake.ts";
import { HOST, page } from "./state.ts";
import { words } from "./texts.ts";

/** The screens that follow. */
export interface Ends {
  readonly sent: (sent: readonly Sent[]) => void;
  readonly canceled: () => void;
  readonly failed: (error: unknown) => void;
}

/** Sends what was chosen. */
export async function transfer(ends: Ends): Promise<void> {
  const draft = page.draft!;
  const { ttl, from, note, recipients } = draft.options;
  const { passphrase, isViewOnly: viewOnly } = draft;
  const options = {
    ...{ ttl, passphrase, viewOnly, name: null, createToken: currentToken() },
    from: from.trim() === "" ? null : from.trim(),
    note: note.trim() === "" ? null : note.trim(),
    recipients: recipients.length === 0 ? [null] : recipients,
  };
  const total = options.recipients.length * draft.parts.reduce((sum, { size }) => sum + size, 0);
  const over = new AbortController();
  let [moved, isCanceled] = [0, false];
  const cancel = button(words("upload.cancel"), () => {
    if (isCanceled) return;
    isCanceled = cancel.disabled = true;
    cancel.textContent = words("upload.canceling");
    void sending.cancel();
  });
  const said = [words("upload.title"), words("upload.finishing"), words("upload.stay")] as const;
  const progress = new Progress(HOST, ...said, [cancel]);
  const sending = new Sending(draft.items(), options, {
    begin: (all) => progress.begin(all, total, 0, false),
    sent: (bytes) => {
      progress.arrived(bytes - moved);
      moved = bytes;
    },
    waits: progress.waits,
  });
  progress.again(() => sending.now());
  takeIn(null);
  onBack(() => cancel.click());
  page.isBusy = () => true;
  stayAwake(over.signal);
  try {
    ends.sent(await sending.run());
  } catch (error) {
    if (isCanceled) ends.canceled();
    else ends.failed(error);
  } finally {
    progress.end();
    over.abort();
  }
}
