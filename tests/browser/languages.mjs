// Checks the language tables against the browser's own knowledge of languages.
// Usage: node languages.mjs WORKSHOP: the directory of the page's sources and packages.

// Set before the first date is formatted.
process.env.TZ = "UTC";

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bundled } from "./bundled.mjs";

const [workshop] = process.argv.slice(2);
const languages = join(workshop, "languages");
const names = readdirSync(languages)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -".json".length));
assert.equal(names.length, 12);
const table = (name) => JSON.parse(readFileSync(join(languages, `${name}.json`), "utf8"));

// A plural has a form for each category of its language, and no other.
const plurals = (value) => (Array.isArray(value) ? value.flatMap(plurals) : typeof value === "object" ? [value] : []);
for (const name of names) {
  const categories = new Intl.PluralRules(name).resolvedOptions().pluralCategories.toSorted();
  for (const [key, value] of [...Object.entries(table(name)), ...Object.entries(table(`send/${name}`))])
    for (const plural of plurals(value))
      assert.deepEqual(Object.keys(plural).toSorted(), categories, `${name}: ${key}`);
}

// Numbers, sizes and times, in the reader's region.
const { isWordToOpen, message, percent, size, speak, time, words } = await bundled(workshop, "texts");
const now = Date.UTC(2026, 10, 22, 14, 3) / 1000;
for (const [tag, name, ...expected] of [
  ["en-US", "en", "Nov 22 at 14:03", "3.4 MB", "45%", "1,234 files for you"],
  ["en-GB", "en", "22 Nov at 14:03", "3.4 MB", "45%", "1,234 files for you"],
  ["nl-BE", "nl", "22 november om 14:03", "3,4 MB", "45%", "1.234 bestanden voor jou"],
  ["de-AT", "de", "22. November um 14:03 Uhr", "3,4 MB", "45\u00a0%", "1 234 Dateien für dich"],
  ["fr", "fr", "22 novembre à 14:03", "3,4\u202fMo", "45\u202f%", "1\u202f234 fichiers pour vous"],
  ["es", "es", "22 de noviembre a las 14:03", "3,4 MB", "45\u00a0%", "1234 archivos para ti"],
  ["pt-BR", "pt", "22 de novembro às 14:03", "3,4 MB", "45%", "1.234 arquivos para você"],
  ["it", "it", "22 novembre alle 14:03", "3,4 MB", "45%", "1234 file per te"],
  ["pl", "pl", "22 listopada o 14:03", "3,4 MB", "45%", "1234 pliki dla Ciebie"],
  ["tr", "tr", "22 Kasım 14:03", "3,4 MB", "%45", "Size 1.234 dosya var"],
  ["ar-EG", "ar", "٢٢ نوفمبر الساعة ١٤:٠٣", "٣٫٤ م.ب", "٤٥٪", "١٬٢٣٤ ملفًا لك"],
  ["zh-Hans", "zh-Hans", "11月22日 14:03", "3.4 MB", "45%", "你收到 1,234 个文件"],
  ["ja", "ja", "11月22日 14:03", "3.4 MB", "45%", "ファイルが 1,234 件届いています"],
]) {
  speak(tag, table(name));
  const found = [time(now, now), size(3_456_789), percent(45, 100), words("for_you.files", { count: 1234 })];
  // Versions of Unicode's data differ in marks of direction and in kinds of spaces.
  const plain = (text) => text.replace(/[\u061c\u200e\u200f\u2066-\u2069]/g, "").replace(/[\u00a0\u202f]/g, " ");
  assert.deepEqual(found.map(plain), expected.map(plain), tag);
}

// The forms of languages with more than two.
const files = (count) => words("for_you.files", { count });
speak("pl", table("pl"));
assert.deepEqual([1, 2, 5, 22].map(files), [
  "1 plik dla Ciebie",
  "2 pliki dla Ciebie",
  "5 plików dla Ciebie",
  "22 pliki dla Ciebie",
]);
speak("ar-MA", table("ar"));
assert.deepEqual([1, 2, 3, 11, 100].map(files), [
  "ملف واحد لك",
  "ملفان لك",
  "3 ملفات لك",
  "11 ملفًا لك",
  "100 ملف لك",
]);
// A word in another script does not reorder an Arabic sentence.
assert.match(message("closed.done", { opener: "jelly soda" }).lines[0], /: \u2068jelly soda\u2069/);

// Without the words of the opener, their paragraph is left out.
for (const name of names) {
  speak(name, table(name));
  const [whole, less] = ["jelly soda", null].map((opener) => message("closed.done", { opener }));
  const lines = whole.lines.filter((line) => !line.includes("jelly soda"));
  assert.deepEqual(less, { title: whole.title, lines }, name);
  assert.equal(less.lines.length, whole.lines.length - 1, name);
}

// The word to type: of the language, in any case, in its other spelling, without accents, in full width, in English.
for (const name of names) {
  speak(name, table(name));
  const word = words("hold.word");
  const right = [word, ` ${word.toLowerCase()} `, word.normalize("NFD"), words("hold.also"), "OPEN", "open", "ＯＰＥＮ"];
  for (const typed of right) assert(isWordToOpen(typed), `${name}: ${typed}`);
  for (const typed of ["", " ", "x", `${word}${word}`, "someone@example.org"]) assert(!isWordToOpen(typed), name);
}
console.log("held");
