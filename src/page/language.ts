// The reader's language: the first of the browser's preferred languages that the page has a table for, until the reader
// chooses another one. The script contains the English table. The others are files beside the page, and load while the
// relay answers the first request.

import { h, isRedrawable, redraw } from "./dom.ts";
import { load, soon } from "./files.ts";
import english from "./languages/en.json";
import { isRightToLeft, speak, type Table, words } from "./texts.ts";

/** The entry of the tab's storage with the language that the reader chose. Without a choice there is none. */
const CHOICE = "share.language";

/** The preferred languages of the browser, without tags that are not BCP 47. */
function preferred(): Intl.Locale[] {
  return navigator.languages.flatMap((tag) => {
    try {
      return [new Intl.Locale(tag)];
    } catch {
      return [];
    }
  });
}

/** The reader's choice in this tab. */
function chosen(): string | null {
  try {
    const name = sessionStorage.getItem(CHOICE);
    return name !== null && Object.hasOwn(LANGUAGES, name) ? name : null;
  } catch {
    return null;
  }
}

/** The first preferred language with a table, in any region or script: `pt-PT` and `zh-TW` have one. */
function firstPreferred(): string | undefined {
  const names = Object.keys(LANGUAGES);
  const tables = preferred().map(({ language }) => names.find((name) => new Intl.Locale(name).language === language));
  return tables.find((name) => name !== undefined);
}

/** The tag for numbers and times: the browser's own one for this language and script, with its region. */
function tagOf(name: string): string {
  const table = new Intl.Locale(name).maximize();
  const isSame = ({ language, script }: Intl.Locale) => language === table.language && script === table.script;
  const own = preferred().find((locale) => isSame(locale.maximize()));
  return own?.toString() ?? (name === "en" ? "en-US" : name);
}

async function tableOf(name: string): Promise<Table> {
  return name === "en" ? english : (JSON.parse(new TextDecoder().decode(await load(`${TABLES}${name}`))) as Table);
}

/** Sets the language of the texts that are drawn from now on, and of the document. */
function use(name: string, table: Table): void {
  speak(tagOf(name), table);
  const { documentElement } = document;
  documentElement.lang = name;
  documentElement.dir = isRightToLeft() ? "rtl" : "ltr";
  document.title = words("title");
  document.querySelector(".cover")!.textContent = words("showing.cover");
}

let settling: Promise<void> | null = null;
/** Choices of the reader so far: only the newest is followed. */
let choices = 0;

/** Loads the reader's table once. Ends when the page can be drawn: without the table, or if it is late, in English. */
export function settled(): Promise<void> {
  return (settling ??= settle());
}

async function settle(): Promise<void> {
  const name = chosen() ?? firstPreferred() ?? "en";
  // The first screen has only this text.
  use(name, { ...english, loading: [LANGUAGES[name]!.loading] });
  const table = await soon(tableOf(name));
  if (table === null) use("en", english);
  else use(name, table);
  drawPicker(table === null ? "en" : name);
}

/** Draws the control for choosing a language. Languages that no native speaker has reviewed are one group. */
function drawPicker(current: string): HTMLSelectElement {
  const option = ([name, language]: [string, { name: string }]) =>
    h("option", { value: name, lang: name, selected: name === current }, language.name);
  const names = Object.entries(LANGUAGES);
  const select = h(
    "select",
    {
      onchange: async () => {
        const name = select.value;
        const mine = ++choices;
        const table = await tableOf(name).catch(() => null);
        if (mine !== choices) return;
        if (table === null || !isRedrawable()) {
          select.value = current;
          return;
        }
        try {
          sessionStorage.setItem(CHOICE, name);
        } catch {
          // A reload shows the preferred language again.
        }
        use(name, table);
        redraw();
        drawPicker(name).focus({ preventScroll: true });
      },
    },
    ...names.filter(([name]) => name === "en").map(option),
    h("optgroup", { label: words("language.unreviewed") }, ...names.filter(([name]) => name !== "en").map(option)),
  );
  select.setAttribute("aria-label", words("language.label"));
  document.querySelector(".language")!.replaceChildren(select);
  return select;
}
