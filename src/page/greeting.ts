// The page before the opening: the list of files, and the question for the passphrase.

import { APP } from "./app.ts";
import { type Capability, capability } from "./capabilities.ts";
import { commandLine, h, holdToOpen, live, type RetryLine, retryLine, showMessage, screen, theirs } from "./dom.ts";
import { failed } from "./failure.ts";
import type { Begun } from "./journal.ts";
import * as journal from "./journal.ts";
import { settled } from "./language.ts";
import { type Link, NEEDS_PASSPHRASE } from "./link.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { kindOf } from "./media.ts";
import { claim, type Envelope, look } from "./open.ts";
import { LEASE_S, open, retrying } from "./opening.ts";
import { Refusal } from "./relay.ts";
import * as relay from "./relay.ts";
import { printable } from "./safe_text.ts";
import { type Keys, keysOf, type Root, rootOf, stretch } from "./secret.ts";
import { alone, page } from "./state.ts";
import { message, size, time, words } from "./texts.ts";

const HOST = location.host;
const PHONE = matchMedia("(pointer: coarse)").matches;
/** The largest share that a browser is expected to hold, in bytes. */
const MOST = PHONE ? 256 << 20 : 512 << 20;
/** The number of files of an album that are listed before it is opened. */
const LISTED = 8;

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
    if (notice.blob_len > MOST * 1.125) return tooLarge(notice.blob_len);
    askPassphrase(link);
  } catch (error) {
    await settled();
    failed(error, () => void greet(link, root));
  }
}

/** Asks for the passphrase until it is right: to look, or to resume an opening that another tab began. */
export function askPassphrase(link: Link, begun: Begun | null = null, wrong = "", typed = ""): void {
  const { title, lines } = message("passphrase.ask");
  page.waiting = begun === null ? journal.nameOf(rootOf(link).id) : null;
  // Spelling and autocorrection services of some browsers send what is typed to a server.
  const input = h("input", {
    id: "passphrase",
    type: "password",
    autocomplete: "off",
    spellcheck: false,
    required: true,
    value: typed,
  });
  input.setAttribute("autocapitalize", "none");
  input.setAttribute("autocorrect", "off");
  const shown = h("input", {
    id: "show",
    type: "checkbox",
    onchange: () => (input.type = shown.checked ? "text" : "password"),
  });
  const status = live();
  const line = retryLine(HOST);
  const go = h("button", { type: "submit", className: "main" }, words("passphrase.go"));
  const form = h(
    "form",
    {
      onsubmit: (event: SubmitEvent) => {
        event.preventDefault();
        if (go.disabled) return;
        go.disabled = true;
        status.textContent = words("passphrase.working");
        void tryPassphrase(link, begun, input.value, line);
      },
    },
    h("label", { htmlFor: "passphrase" }, words("passphrase.label")),
    h("div", { className: "row" }, input, go),
    h("div", { className: "check" }, shown, h("label", { htmlFor: "show" }, words("passphrase.show"))),
  );
  screen(title, h("p", {}, ...lines), form, status, ...line.nodes);
  input.select();
  status.textContent = wrong;
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
      askPassphrase(link, begun, wrongPassphrase(error.left), passphrase);
    } else if (begun !== null && error instanceof Refusal && error.why === "damaged") {
      // The relay requires no proof from the holder of a claim, and sent the manifest that was shown before. So the
      // key is wrong.
      askPassphrase(link, begun, words("passphrase.wrong_again"), passphrase);
    } else {
      failed(error, () => askPassphrase(link, begun));
    }
  }
}

function wrongPassphrase(left: number): string {
  return left === 0 ? words("passphrase.last") : words("passphrase.wrong", { count: left });
}

/** Shows what waits, and the control that opens it. */
async function envelope(
  link: Link,
  keys: Keys,
  stretched: Uint8Array,
  { manifest, expires, digest }: Envelope,
): Promise<void> {
  page.waiting = journal.nameOf(keys.id);
  if (manifest.total > MOST) return tooLarge(manifest.total);
  const able = manifest.viewOnly ? await worst(manifest.entries) : "yes";
  if (able === "no") return showMessage(message("failed.not_showable"), commandLine());
  const only = manifest.entries.length === 1 ? manifest.entries[0]! : null;
  const name = only?.name ?? manifest.name;
  const count = manifest.entries.length;
  const what = only ? kindAndSize(only) : words("waiting.files", { count, size: size(manifest.total) });
  const fact = (term: string, value: string | Node) => [h("dt", {}, term), h("dd", {}, value)];
  screen(
    words("waiting.title"),
    h(
      "dl",
      {},
      ...(name === null ? [] : fact(words("waiting.name"), theirs(printable(name)))),
      ...fact(words("waiting.what"), what),
      ...fact(words("waiting.until"), time(expires)),
    ),
    only ? null : contents(manifest),
    h("p", {}, words("waiting.once")),
    manifest.viewOnly ? h("p", {}, words("waiting.view_only")) : null,
    able === "perhaps" ? h("p", { className: "warning" }, words("waiting.perhaps")) : null,
    APP === null || manifest.viewOnly ? null : h("p", { className: "warning" }, inApp(APP)),
    journal.works() ? null : h("p", { className: "warning" }, words("waiting.forgetful")),
    isSecureContext ? null : h("p", { className: "warning" }, words("trust.plain")),
    holdToOpen(() => {
      page.waiting = null;
      void alone(keys.id, () => {
        // Another tab of this browser may have begun and closed in the meantime: its claim token is used again.
        const fresh = {
          claimToken: crypto.getRandomValues(new Uint8Array(32)),
          shown: digest,
          until: journal.now() + LEASE_S,
        };
        const begun = journal.begun(keys.id);
        open(link, keys.id, stretched, begun ?? { stage: "begun", ...fresh }, begun !== null);
      });
    }),
    h("p", { className: "note" }, words("hold.why")),
    trust(),
  );
}

/** The least capability of this browser for these files. */
async function worst(entries: readonly Entry[]): Promise<Capability> {
  const all = await Promise.all(entries.map(({ type, size }) => capability(type, size)));
  return all.includes("no") ? "no" : all.includes("perhaps") ? "perhaps" : "yes";
}

/** The list of an album's files, shortened. */
function contents({ entries }: Manifest): HTMLElement {
  const line = (entry: Entry) =>
    h("li", {}, ...(entry.name === null ? [] : [theirs(printable(entry.name)), ": "]), kindAndSize(entry));
  const more = entries.length - LISTED;
  const rest = more > 0 ? h("li", {}, words("waiting.more", { count: more })) : null;
  return h("ul", {}, ...entries.slice(0, LISTED).map(line), rest);
}

function kindAndSize(entry: Entry): string {
  return words("kind.size", { kind: words(`kind.${kindOf(entry.type)}`), size: size(entry.size) });
}

function inApp(app: string): string {
  return app === "" ? words("waiting.in_other_app") : words("waiting.in_app", { app });
}

function trust(): HTMLElement {
  const { title, lines } = message("trust.who");
  return h("details", {}, h("summary", {}, title), ...lines.map((line) => h("p", {}, line)));
}

function tooLarge(bytes: number): void {
  const values = { size: size(bytes), most: size(MOST) };
  showMessage(message(PHONE ? "failed.too_large_phone" : "failed.too_large", values), commandLine());
}
