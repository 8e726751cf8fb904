// A browser on a string: reads one command a line from standard input, as JSON, and answers each with one line. The tests
// in tests/it/browser.rs hold the other end.
//
// `node driver.mjs MODULES CHROMIUM [FLAG]...`: where playwright-core is installed, and the browser.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

const [modules, executablePath, ...flags] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", ...flags],
});

/** Each with storage of its own, as if on another machine. */
const tabs = [];

async function tab({ width = 1024, height = 768, dark = false, touch = false, script = true, before = null, agent = undefined }) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? "dark" : "light",
    hasTouch: touch,
    isMobile: touch,
    javaScriptEnabled: script,
    userAgent: agent,
    acceptDownloads: true,
    timezoneId: "UTC",
  });
  if (before !== null) await context.addInitScript(before);
  const page = await context.newPage();
  const requests = [];
  const complaints = [];
  context.on("request", async (request) => {
    const entry = { method: request.method(), url: request.url(), type: request.resourceType(), body: request.postData() ?? "", headers: request.headers() };
    requests.push(entry);
    entry.headers = await request.allHeaders().catch(() => entry.headers);
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  // Asked whether one really wants to leave, one does.
  page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  tabs.push({ context, page, requests, complaints });
  return tabs.length - 1;
}

const centre = async (page, selector) => {
  const place = page.locator(selector).first();
  await place.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await place.boundingBox();
  return [x + width / 2, y + height / 2];
};

const actions = {
  tab: (command) => tab(command),
  goto: ({ page }, { url }) => page.goto(url, { waitUntil: "load" }).then((response) => response?.status() ?? 0),
  reload: ({ page }) => page.reload().then(() => null),
  /** The value of an expression, which may be a promise. */
  value: ({ page }, { code }) => page.evaluate(code),
  /** Waits until an expression is true, half a minute at most. From outside: the page's policy allows no code out of strings. */
  async until({ page }, { code }) {
    const end = Date.now() + 30_000;
    // While the page is replaced by another one there is nobody to ask.
    while (!(await page.evaluate(code).catch(() => false))) {
      if (Date.now() > end) throw new Error("it never was");
      await page.waitForTimeout(30);
    }
    return null;
  },
  text: ({ page }) => page.locator("main").innerText(),
  click: ({ page }, { selector }) => page.locator(selector).first().click().then(() => null),
  tap: ({ page }, { selector }) => page.locator(selector).first().tap({ force: true, timeout: 1000 }).then(() => null),
  type: ({ page }, { text }) => page.keyboard.type(text).then(() => null),
  press: ({ page }, { key }) => page.keyboard.press(key).then(() => null),
  async hold({ page }, { selector, milliseconds }) {
    await page.mouse.move(...(await centre(page, selector)));
    await page.mouse.down();
    await page.waitForTimeout(milliseconds);
    await page.mouse.up();
    return null;
  },
  async holdKey({ page }, { selector, key, milliseconds }) {
    await page.locator(selector).focus();
    await page.keyboard.down(key);
    await page.waitForTimeout(milliseconds);
    await page.keyboard.up(key);
    return null;
  },
  async download({ page }, { selector }) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator(selector).first().click()]);
    return { name: download.suggestedFilename(), path: await download.path() };
  },
  /** Loads, scrolls, clicks, taps, presses, long-presses and fills in whatever there is. */
  async bot({ page }, { milliseconds }) {
    const end = Date.now() + milliseconds;
    const quick = { timeout: 500, force: true, noWaitAfter: true };
    let acts = 0;
    const act = async (what) => {
      if (Date.now() < end) await what().then(() => (acts += 1), () => {});
    };
    while (Date.now() < end) {
      await act(() => page.mouse.wheel(0, 400));
      for (const element of await page.locator("body *").all()) {
        await act(() => element.hover(quick));
        await act(() => element.click(quick));
        await act(() => element.tap(quick));
        await act(() => element.dblclick(quick));
        await act(() => element.press("Enter", quick));
        await act(() => element.press(" ", quick));
        await act(() => element.dispatchEvent("click"));
        await act(() => element.dispatchEvent("pointerdown", { isPrimary: true, button: 0, pointerId: 1 }));
        await act(() => element.dispatchEvent("pointerup"));
      }
      for (const input of await page.locator("input").all()) {
        await act(() => input.fill("someone@example.org", quick));
        await act(() => input.press("Enter", quick));
      }
    }
    return acts;
  },
  /** Answers certain requests in the relay's place. */
  answer: ({ context }, { path, status, body, type = "application/problem+json" }) =>
    context.route((url) => url.pathname.endsWith(path), (route) => route.fulfill({ status, contentType: type, body })).then(() => null),
  shot: ({ page }, { path }) => page.screenshot({ path, fullPage: true }).then(() => null),
  offline: ({ context }, { is }) => context.setOffline(is).then(() => null),
  requests: ({ requests }) => requests,
  complaints: ({ complaints }) => complaints,
  close: ({ context }) => context.close().then(() => null),
  /** Leaves the page in the way in which a person closes a tab: it may say goodbye. */
  leave: ({ page }) => page.close({ runBeforeUnload: true }).then(() => null),
  async axe({ page }) {
    await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
    const { violations } = await page.evaluate("axe.run(document)");
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`) }));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    const action = actions[command.do];
    answer = { ok: await (command.do === "tab" ? action(command) : action(tabs[command.tab], command)) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
await browser.close();
