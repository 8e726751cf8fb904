// The envelope: what waits here, who sent it, and the control that opens it.

import { APP } from "./app.ts";
import type { Capability } from "./capabilities.ts";
import { button, commandLine, h, screen, theirs } from "./dom.ts";
import { holdToOpen } from "./hold.ts";
import * as journal from "./journal.ts";
import type { Entry, Manifest } from "./manifest.ts";
import { kindOf } from "./media.ts";
import { printable } from "./safe_text.ts";
import { canStream, MOST_HELD } from "./saving.ts";
import { message, size, time, words } from "./texts.ts";

/** Files that are added to an album's list in one frame. */
const BATCH = 100;

/**
 * Shows what waits. `able`: what this browser can show, for each file. `expires`: Unix seconds. `open` is called once,
 * when the user opens it.
 */
export function showEnvelope(
  manifest: Manifest,
  able: readonly Capability[],
  expires: number,
  open: () => void,
): void {
  const only = onlyFile(manifest);
  const name = only?.name ?? manifest.name;
  const { hold, type } = holdToOpen(open);
  const title = only
    ? words(`for_you.${kindOf(only.type)}`)
    : words("for_you.files", { count: manifest.entries.length });
  screen(
    title,
    written(manifest),
    name === null ? null : clamped("name", theirs(printable(name))),
    only ? h("p", { className: "fact" }, kindAndSize(only)) : contents(manifest, able),
    manifest.viewOnly ? h("p", { className: "fact" }, words("waiting.view_only")) : null,
    ...notices(manifest, able),
    h("p", { className: "fact" }, words("waiting.expires", { at: time(expires) })),
    h("div", { className: "opener" }, h("p", {}, words("waiting.once")), h("p", {}, words("waiting.seen")), ...hold),
    type,
    trust(),
  );
}

/** The file of a share that is not an album. */
function onlyFile({ entries, directories }: Manifest): Entry | null {
  const [first] = entries;
  return entries.length === 1 && directories.length === 0 && first!.path.length < 2 ? first! : null;
}

/** The words of the sender. */
export function written({ from, note }: Pick<Manifest, "from" | "note">): HTMLElement | null {
  if (from === null && note === null) return null;
  return h(
    "figure",
    { className: "bubble" },
    from === null ? null : clamped("name", theirs(printable(from))),
    note === null ? null : h("blockquote", {}, clamped("", theirs(note.split(/\r?\n/).map(printable).join("\n")))),
    h("figcaption", {}, words("waiting.written")),
  );
}

/** A paragraph that is cut after some lines, and a button that shows the rest. */
function clamped(className: string, text: Node): HTMLElement {
  const part = h("p", { className: `${className} clamped` }, text);
  const more = button(words("waiting.more"), () => {
    part.classList.remove("clamped");
    more.remove();
    watch.disconnect();
  }, "link");
  more.hidden = true;
  const watch = new ResizeObserver(() => (more.hidden = part.scrollHeight <= part.clientHeight));
  watch.observe(part);
  return h("div", {}, part, more);
}

/** The number of files of an album, and their list. A long list is made over many frames once it is shown. */
function contents({ entries, total }: Manifest, able: readonly Capability[]): HTMLElement {
  const list = h("ul", { tabIndex: 0 });
  const fill = () => {
    const from = list.childElementCount;
    list.append(...entries.slice(from, from + BATCH).map((entry, at) => line(entry, able[from + at]!)));
    if (list.childElementCount < entries.length && details.open && list.isConnected) requestAnimationFrame(fill);
  };
  const summary = h("summary", {}, words("waiting.files", { count: entries.length, size: size(total) }));
  const details: HTMLDetailsElement = h(
    "details",
    { className: "files", ontoggle: () => details.open && fill() },
    summary,
    list,
  );
  return details;
}

/** A file in the list of an album. */
function line(entry: Entry, able: Capability): HTMLElement {
  const isFile = kindOf(entry.type) === "file";
  const mark = able !== "no" ? null : h("span", {}, words(isFile ? "waiting.mark_save" : "waiting.mark_cannot"));
  const path = entry.path.map(printable).join("/");
  const name = path === "" ? null : h("b", {}, theirs(path));
  return h("li", {}, name, h("span", {}, kindAndSize(entry)), mark);
}

export function kindAndSize(entry: Pick<Entry, "type" | "size">): string {
  return words("kind.size", { kind: words(`kind.${kindOf(entry.type)}`), size: size(entry.size) });
}

/** Notices before the opening, most important first. */
function notices(manifest: Manifest, able: readonly Capability[]): (Node | null)[] {
  const { entries, viewOnly, total } = manifest;
  const of = entries.length;
  const saved = entries.filter(({ type }) => kindOf(type) === "file").length;
  const cannot = able.filter((each) => each === "no").length - saved;
  const perhaps = able.includes("perhaps");
  const warning = (text: string) => h("p", { className: "warning" }, text);
  const note = (text: string) => h("p", { className: "note" }, text);
  return [
    cannot > 0 ? warning(words(of === 1 ? "waiting.cannot" : "waiting.cannot_some", { count: cannot, of })) : null,
    ...(viewOnly && perhaps ? [warning(words("waiting.perhaps_view_only")), commandLine()] : []),
    APP === null || viewOnly ? null : warning(inApp(APP)),
    journal.works() ? null : warning(words("waiting.forgetful")),
    isSecureContext ? null : warning(words("trust.plain")),
    total > MOST_HELD ? note(words(canStream(manifest) ? "waiting.large" : "waiting.large_kept")) : null,
    saved > 0 ? note(words(of === 1 ? "waiting.save" : "waiting.save_some", { count: saved, of })) : null,
    perhaps && !viewOnly ? note(words("waiting.perhaps")) : null,
  ];
}

function inApp(app: string): string {
  return app === "" ? words("waiting.in_other_app") : words("waiting.in_app", { app });
}

function trust(): HTMLElement {
  const { title, lines } = message("trust.who");
  return h("details", {}, h("summary", {}, title), ...lines.map((line) => h("p", {}, line)));
}
