// The shares that were sent from this browser: their states, and the ways to revoke and to forget them.

import { button, h, live, redrawable, screen, theirs } from "../dom.ts";
import { printable } from "../safe_text.ts";
import { ask } from "../question.ts";
import { changes, forget, forgetAll, type Kept, list } from "../upload/outbox.ts";
import { goBack } from "./history.ts";
import { Watched } from "./states.ts";
import { size, time, words } from "./texts.ts";

let stop = new AbortController();

/** Shows the list. */
export function showKept(): void {
  redrawable(draw);
}

/** Ends what follows the shares of the list. */
export function leaveKept(): void {
  stop.abort();
}

function draw(): void {
  stop.abort();
  stop = new AbortController();
  const status = live();
  const heard = h("p", { className: "heard", role: "status" });
  const all = list();
  const rows = h("ul", { className: "kept" }, ...all.map((kept) => row(kept, status, heard)));
  rows.setAttribute("role", "list");
  const removeAll = button(words("kept.remove_all"), () => {
    sure("kept.remove_all_ask", "kept.remove_all", removeAll, () => {
      forgetAll();
      showKept();
    });
  });
  removeAll.hidden = all.length < 2;
  // Another tab may send or remove something.
  const names = (kept: readonly Kept[]) => kept.map(({ id }) => String(id)).join();
  const end = changes(() => {
    if (names(list()) !== names(all)) showKept();
  });
  stop.signal.addEventListener("abort", end);
  screen(
    words("kept.title"),
    h("p", { className: "note" }, words(all.length === 0 ? "kept.none" : "kept.links")),
    rows,
    status,
    heard,
    h("div", { className: "row end" }, removeAll, button(words("showing.back"), () => goBack(), "main")),
  );
}

function row(kept: Kept, status: HTMLElement, heard: HTMLElement): HTMLElement {
  const watched = new Watched(kept, (text) => (status.textContent = text), heard);
  watched.follow(stop.signal);
  const remove = button(words("kept.remove"), () => {
    sure("kept.remove_ask", "kept.remove", remove, () => {
      forget(kept.id);
      showKept();
    });
  });
  const who = kept.recipient;
  return h(
    "li",
    {},
    h("p", { className: "name" }, described(kept)),
    who === null ? null : h("p", { className: "fact" }, theirs(words("kept.for", { name: printable(who) }))),
    watched.line,
    h("p", { className: "fact" }, words("kept.at", { at: time(kept.at) })),
    h("div", { className: "row" }, watched.revoke, remove),
  );
}

/** The kind or the number of the files, and their size. */
function described({ kind, count, size: bytes }: Kept): string {
  if (count > 1) return words("waiting.files", { count, size: size(bytes) });
  return words("kind.size", { kind: words(`kind.${kind}`), size: size(bytes) });
}

function sure(
  question: "kept.remove_ask" | "kept.remove_all_ask",
  yes: "kept.remove" | "kept.remove_all",
  asked: HTMLElement,
  then: () => void,
): void {
  ask(words(question), { words: words("showing.back"), then: () => asked.focus() }, { words: words(yes), then });
}
