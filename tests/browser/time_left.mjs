// Checks the page's estimate of the time that a download still takes. `node time_left.mjs WORKSHOP`: the page's sources
// and packages.

import assert from "node:assert/strict";
import { bundled } from "./bundled.mjs";

const [workshop] = process.argv.slice(2);
const { TimeLeft } = await bundled(workshop, "time_left");

const UNITS = { few: 4, seconds: 1, minutes: 60, hours: 3600 };
const seconds = ({ unit, count }) => UNITS[unit] * (unit === "few" ? 1 : count);

/** The estimate in each second of a download of `all` bytes, with a rate of `rate(second)` bytes per second. */
function shown(all, rate) {
  const time = new TimeLeft();
  const found = [];
  for (let [second, bytes] = [0, 0]; bytes < all; bytes += rate(second), second++)
    found.push(time.update(1000 * second, bytes, all - bytes));
  return found;
}

/** Asserts that every estimate is within a factor of two of the truth, or a few seconds off. Returns the texts. */
function truthful(all, rate) {
  const found = shown(all, rate);
  found.forEach((each, second) => {
    const truth = found.length - second;
    if (second < 3) assert.equal(each, null, `${second}`);
    else {
      const isNear = seconds(each) <= 2 * truth && truth <= 2 * seconds(each);
      assert.ok(isNear || Math.abs(seconds(each) - truth) <= 10, JSON.stringify({ each, truth }));
    }
  });
  return found.slice(3).map(({ unit, count }) => `${count} ${unit}`);
}

// A steady line: each text comes once, and each is less than the one before.
const steady = truthful(5_000_000, () => 50_000);
assert.deepEqual([...new Set(steady)], [
  "2 minutes", "1 minutes", "50 seconds", "40 seconds", "30 seconds", "20 seconds", "10 seconds", "0 few",
]);
assert.equal(steady.filter((text, at) => text !== steady[at - 1]).length, 8);
assert.equal(truthful(500_000_000, () => 50_000)[0], "3 hours");

// A line whose rate changes each second between half and one and a half: the texts hardly ever go back.
const dice = (seed) => () => ((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647);
for (const seed of [1, 2, 3, 4, 5]) {
  const chance = dice(seed);
  const uneven = shown(30_000_000, () => 50_000 + 100_000 * chance()).slice(3).map(seconds);
  const rises = uneven.filter((each, at) => each > uneven[at - 1]);
  const changes = uneven.filter((each, at) => at > 0 && each !== uneven[at - 1]);
  assert.ok(rises.length <= 1 && changes.length <= 14, JSON.stringify(uneven));
}

// A line that becomes ten times slower: within ten seconds the estimate follows.
const slower = shown(10_000_000, (second) => (second < 20 ? 100_000 : 10_000));
assert.deepEqual(slower[19], { unit: "minutes", count: 1 });
assert.ok(seconds(slower[36]) > 480, JSON.stringify(slower[36]));

// A line on which nothing moves: no estimate, and after a wait it takes a while until there is one again.
const time = new TimeLeft();
for (let second = 0; second < 6; second++) time.update(1000 * second, 100_000 * second, 5_000_000);
assert.notEqual(time.update(6000, 600_000, 5_000_000), null);
for (let second = 7; second < 17; second++) time.update(1000 * second, 600_000, 5_000_000);
assert.equal(time.update(17_000, 600_000, 5_000_000), null);
time.reset();
assert.equal(time.update(18_000, 700_000, 4_900_000), null);
assert.equal(time.update(20_000, 900_000, 4_700_000), null);
assert.deepEqual(time.update(21_000, 1_000_000, 4_600_000), { unit: "seconds", count: 50 });
console.log("held");
