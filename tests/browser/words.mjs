// Checks which spellings of the word that opens the page accepts. `node words.mjs WORKSHOP`: the page's sources and
// packages.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bundled } from "./bundled.mjs";

const [workshop] = process.argv.slice(2);
const { isWordToOpen, speak } = await bundled(workshop, "texts");
const english = JSON.parse(readFileSync(join(workshop, "languages/en.json"), "utf8"));

/** The spellings of a word that count, and those that do not. English counts in every language. */
const CASES = [
  ["en", "OPEN", ["OPEN", "open", " Open ", "ｏｐｅｎ", "ＯＰＥＮ", "O\u00adP\u200bEN"], ["", "OPE", "OPENS", "0PEN", "ÖPNEN"]],
  // Dotless and dotted letters, in capitals and small, on keyboards of either kind.
  ["tr", "KAPIYI AÇ", ["kapıyı aç", "KAPIYI AÇ", "kapiyi aç", "KAPİYİ AÇ", "kapıyı ac"], ["aç", "kap"]],
  ["de", "SCHLIESSE AUF", ["schließe auf", "SCHLIESSE AUF", "SCHLIEẞE AUF"], ["schliese auf"]],
  ["el", "ΑΝΟΙΓΜΟΣ", ["ανοιγμος", "ΆΝΟΙΓΜΟΣ", "άνοιγμοσ"], ["ανοιγμο"]],
  ["ja", "ひらく", ["ひらく", "ひ ら く", "ひらく\u3000"], ["ひらけ"]],
  ["ar", "افتح", ["افتح", "\u200fافتح", "اِفْتَحْ"], ["فتح"]],
];

for (const [tag, word, right, wrong] of CASES) {
  speak(tag, { ...english, "hold.word": word, "hold.also": word });
  for (const typed of [...right, "open"]) assert.ok(isWordToOpen(typed), `${tag}: ${typed}`);
  for (const typed of wrong) assert.ok(!isWordToOpen(typed), `${tag}: ${typed}`);
}
speak("ja", { ...english, "hold.word": "開く", "hold.also": "ひらく" });
assert.ok(isWordToOpen("開く") && isWordToOpen("ひらく"));
console.log("held");
