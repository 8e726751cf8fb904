// The page before the opening: the question for the passphrase, and the envelope.

import { IS_PHONE } from "./app.ts";
import { capability } from "./capabilities.ts";
import { commandLine, h, live, redrawable, type RetryLine, retryLine, screen, showMessage } from "./dom.ts";
import { showEnvelope } from "./envelope.ts";
import { failed } from "./failure.ts";
import type { Begun } from "./journal.ts";
import * as journal from "./journal.ts";
import { settled } from "./language.ts";
import { type Link, NEEDS_PASSPHRASE } from "./link.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { kindOf } from "./media.ts";
import { claim, type Envelope, look } from "./open.ts";
import { choose, LEASE_S, open, retrying } from "./opening.ts";
import { Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import { canPick, canSave, canStream, type Chosen, MOST_HELD } from "./saving.ts";
import { type Keys, keysOf, type Root, rootOf, stretch } from "./secret.ts";
import { alone, page } from "./state.ts";
import { hasRoom } from "./stored.ts";
import { message, size, words } from "./texts.ts";

const HOST = location.host;

/** Shows what waits, or asks for the passphrase first. Claims nothing. */
export async function greet(link: Link, root: Root): Promise<void> {
  const line = retryLine(HOST);
  showMessage(message("loading"), ...line.nodes);
  try {
    if ((link.flags & NEEDS_PASSPHRASE) === 0) {
      const stretched = new Uint8Array(32);
      const keys = keysOf(link, stretched);
      const found = await retrying(line, () => look(keys));
      await settled();
      return await envelope(link, keys, stretched, found);
    }
    const notice = await retrying(line, () => relay.notice({ id: root.id, token: root.linkToken }));
    await settled();
    // Padding adds at most an eighth.
    const isLarge = notice.blob_len > MOST_HELD * 1.125;
    if (isLarge && !canPick() && !(await hasRoom(root.id, notice.blob_len))) return tooLarge(notice.blob_len);
    askPassphrase(link);
  } catch (error) {
    await settled();
    void failed(error, () => void greet(link, root));
  }
}

/** Asks for the passphrase until it is right: to look, or to resume an opening that another tab began. */
export function askPassphrase(link: Link, begun: Begun | null = null, wrong = () => "", typed = ""): void {
  page.waiting = begun === null ? journal.nameOf(rootOf(link).id) : null;
  const line = retryLine(HOST);
  let isTrying = false;
  redrawable(() => {
    const { title, lines } = message("passphrase.ask");
    // Spelling and autocorrection services of some browsers send what is typed to a server.
    const input: HTMLInputElement = h("input", {
      id: "passphrase",
      type: "password",
      autocomplete: "off",
      spellcheck: false,
      required: true,
      value: typed,
      oninput: () => (typed = input.value),
    });
    input.setAttribute("autocapitalize", "none");
    input.setAttribute("autocorrect", "off");
    const shown = h("input", {
      id: "show",
      type: "checkbox",
      onchange: () => (input.type = shown.checked ? "text" : "password"),
    });
    const status = live();
    const go = h("button", { type: "submit", className: "main" }, words("passphrase.go"));
    const onsubmit = (event: SubmitEvent) => {
      event.preventDefault();
      if (isTrying) return;
      isTrying = go.disabled = true;
      status.textContent = words("passphrase.working");
      void tryPassphrase(link, begun, input.value, line);
    };
    const form = h(
      "form",
      { onsubmit },
      h("label", { htmlFor: "passphrase" }, words("passphrase.label")),
      h("div", { className: "row" }, input, go),
      h("div", { className: "check" }, shown, h("label", { htmlFor: "show" }, words("passphrase.show"))),
    );
    screen(title, h("p", {}, ...lines), form, status, ...line.nodes);
    input.select();
    go.disabled = isTrying;
    status.textContent = isTrying ? words("passphrase.working") : wrong();
  });
}

async function tryPassphrase(link: Link, begun: Begun | null, passphrase: string, line: RetryLine): Promise<void> {
  page.waiting = null;
  try {
    const stretched = await stretch(link, passphrase);
    const keys = keysOf(link, stretched);
    if (begun === null) {
      await envelope(link, keys, stretched, await retrying(line, () => look(keys)));
    } else {
      await retrying(line, () => claim(keys, begun.claimToken, begun.shown));
      open(link, keys.id, stretched, begun, true);
    }
  } catch (error) {
    if (error instanceof Refusal && error.why === "wrong-passphrase") {
      askPassphrase(link, begun, () => wrongPassphrase(error.left), passphrase);
    } else if (begun !== null && error instanceof Refusal && error.why === "damaged") {
      // The relay requires no proof from the holder of a claim, and sent the manifest that was shown before. So the
      // key is wrong.
      askPassphrase(link, begun, () => words("passphrase.wrong_again"), passphrase);
    } else {
      void failed(error, () => askPassphrase(link, begun));
    }
  }
}

function wrongPassphrase(left: number): string {
  return left === 0 ? words("passphrase.last") : words("passphrase.wrong", { count: left });
}

/** Shows what waits, unless this browser has no place for it, or could neither show nor save it. */
async function envelope(
  link: Link,
  keys: Keys,
  stretched: Uint8Array,
  { manifest, expires, digest }: Envelope,
): Promise<void> {
  page.waiting = journal.nameOf(keys.id);
  const isLarge = manifest.total > MOST_HELD;
  const isStreamed = isLarge && canStream(manifest);
  if (isLarge && !isStreamed && !(canSave(manifest) && (await hasRoom(keys.id, manifest.total))))
    return tooLarge(manifest.total);
  const ableTo = async ({ type, size }: Entry) => (isStreamed ? "yes" : capability(type, size));
  const able = await Promise.all(manifest.entries.map(ableTo));
  if (manifest.viewOnly && able.includes("no")) return notShowable(manifest);
  const begin = (file: Chosen | null = null) => {
    page.waiting = null;
    void alone(keys.id, () => {
      // Another tab of this browser may have begun and closed in the meantime: its claim token is used again.
      const fresh = {
        claimToken: crypto.getRandomValues(new Uint8Array(32)),
        shown: digest,
        until: journal.now() + LEASE_S,
      };
      const begun = journal.begun(keys.id);
      open(link, keys.id, stretched, begun ?? { stage: "begun", ...fresh }, begun !== null, file);
    });
  };
  // Before the claim: a browser may refuse it, or its user.
  const choosing = () => choose(manifest, begin, () => tooLarge(manifest.total));
  redrawable(() => showEnvelope(manifest, able, expires, isStreamed ? choosing : begin));
}

/** A view-only share with files that this browser cannot show. No program shows other kinds of file than media. */
function notShowable({ entries }: Manifest): void {
  const isLost = entries.some(({ type }) => kindOf(type) === "file");
  redrawable(() => {
    if (isLost) showMessage(message("failed.not_showable_kind"));
    else showMessage(message("failed.not_showable"), commandLine());
  });
}

function tooLarge(bytes: number): void {
  redrawable(() => {
    const values = { size: size(bytes), most: size(MOST_HELD) };
    showMessage(message(IS_PHONE ? "failed.too_large_phone" : "failed.too_large", values), commandLine());
  });
}
