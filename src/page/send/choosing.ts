// The first screen: what to send, and whom that trusts.

import { IS_PHONE } from "../app.ts";
import { button, h, live, redrawable, screen } from "../dom.ts";
import { icon as shared } from "../icons.ts";
import { list } from "../upload/outbox.ts";
import type { Chosen } from "./draft.ts";
import { icon } from "./icons.ts";
import { type Intake, picker, takeIn } from "./intake.ts";
import { HOST, page } from "./state.ts";
import { message, words } from "./texts.ts";

/** The ways from this screen: to what was chosen, to the list of what was sent, and without the token that is known. */
export interface Next {
  readonly review: (notice?: () => string) => void;
  readonly kept: () => void;
  readonly forget: (() => void) | null;
}

/** Shows the first screen. The draft stays as it was. */
export function choose(next: Next): void {
  redrawable(() => draw(next));
}

function draw({ review, kept, forget }: Next): void {
  const draft = page.draft!;
  const status = live();
  const field: HTMLTextAreaElement = h("textarea", {
    id: "text",
    rows: 2,
    value: draft.text,
    // Browsers keep fields for a later session otherwise.
    autocomplete: "off",
    oninput: () => {
      draft.text = field.value;
      go.disabled = draft.isEmpty;
    },
  });
  const take = (chosen: readonly Chosen[], isAll: boolean) => {
    if (chosen.length === 0) return void (status.textContent = words("choose.missing"));
    draft.add(chosen);
    review(() => (isAll ? "" : words("choose.missing")));
  };
  takeIn({
    files: take,
    text: (text) => {
      field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input"));
      field.focus();
    },
  });
  const go = button(words("passphrase.go"), () => review());
  go.disabled = draft.isEmpty;
  screen(
    words("choose.title"),
    h("p", {}, words("choose.what")),
    h("p", { className: "trust" }, words("choose.trust", { host: HOST })),
    trust(),
    isSecureContext ? null : h("p", { className: "warning" }, words("trust.plain_send")),
    h(
      "div",
      { className: IS_PHONE ? "ways touch" : "ways" },
      ...way("photos", "image/*,video/*", shared("photo"), words("choose.photos"), take),
      ...(IS_PHONE ? way("camera", "image/*", icon("camera"), words("choose.camera"), take, true) : []),
      ...way("files", "", shared("file"), words("choose.files"), take),
    ),
    IS_PHONE ? null : h("p", { className: "note hint" }, words("choose.drop")),
    h("label", { className: "writing", htmlFor: "text" }, words("choose.text")),
    field,
    h("div", { className: "row end" }, go),
    status,
    forget === null ? null : h("p", { className: "elsewhere" }, button(words("token.forget"), forget, "link")),
    list().length === 0 ? null : h("p", { className: "elsewhere" }, button(words("kept.title"), () => kept(), "link")),
  );
}

/** A large button that opens a dialog of the system, and its field. */
function way(
  id: string,
  accept: string,
  drawing: Node,
  word: string,
  take: Intake["files"],
  capture = false,
): Node[] {
  const input = picker(id, accept, take, capture);
  const press = button("", () => input.click(), "way");
  press.append(drawing, h("span", {}, word));
  return [press, input];
}

/** Details of what protects a share, and of what does not. */
function trust(): HTMLElement {
  const { title, lines } = message("trust.sender", { host: HOST });
  const paragraphs = lines.map((line) => h("p", {}, line));
  return h("details", {}, h("summary", {}, title), ...paragraphs, commandToSend());
}

/** How to send without this page; `null` on a phone, which has no terminal. */
export function commandToSend(): HTMLElement | null {
  if (IS_PHONE) return null;
  const { title, lines } = message("command.send");
  return h("p", { className: "command" }, title, " ", h("code", {}, "share send photo.jpg"), " ", ...lines);
}
