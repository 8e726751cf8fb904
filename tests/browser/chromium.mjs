// Debian's Chromium, driven by playwright-core. It runs every command. `hold` presses with a mouse, in a touch tab too;
// `draw` (every gesture) touches, and what it touches scrolls and zooms as on a phone. `text` is the browser's setting
// for the size of ordinary text. Only this engine takes `insets` and `transparent`, a shot without a background.

import { setTimeout as sleep } from "node:timers/promises";

const CHROMIUM = "/usr/bin/chromium";

export async function start({ require, flags, hosts }) {
  const { chromium } = require("playwright-core");
  const rules = [...hosts].map(([name, address]) => `MAP ${name} ${address}`);
  if (rules.length > 0) flags = [...flags, `--host-resolver-rules=${rules.join(",")}`];
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags,
    ],
  });
  return {
    async tab({
      width = 1024,
      height = 768,
      dark = false,
      forced = false,
      still = false,
      touch = false,
      script = true,
      before = null,
      agent = undefined,
      scale = 1,
      ...rest
    }) {
      const context = await browser.newContext({
        viewport: { width, height },
        deviceScaleFactor: scale,
        colorScheme: dark ? "dark" : "light",
        forcedColors: forced ? "active" : "none",
        reducedMotion: still ? "reduce" : "no-preference",
        hasTouch: touch,
        isMobile: touch,
        javaScriptEnabled: script,
        userAgent: agent,
        acceptDownloads: true,
        timezoneId: "UTC",
      });
      if (before !== null) await context.addInitScript(before);
      return Tab.open(context, rest);
    },
    stop: () => browser.close(),
  };
}

class Tab {
  requests = [];
  complaints = [];
  #downloads = [];

  /** `text`: the size of ordinary text in percent; `languages`: from the most preferred; `insets`: of the safe area. */
  static async open(context, options) {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    const { text = 100, languages = null, insets = null } = options;
    if (text !== 100) await Tab.#size(session, text);
    if (languages !== null) {
      const userAgent = await page.evaluate("navigator.userAgent");
      const acceptLanguage = languages.join(",");
      await session.send("Emulation.setUserAgentOverride", { userAgent, acceptLanguage });
      await session.send("Emulation.setLocaleOverride", { locale: languages[0] });
    }
    if (insets !== null) await session.send("Emulation.setSafeAreaInsetsOverride", { insets });
    return new Tab(context, page, session, options);
  }

  static #size(session, text) {
    const fontSizes = { standard: (16 * text) / 100, fixed: (13 * text) / 100 };
    return session.send("Page.setFontSizes", { fontSizes });
  }

  constructor(context, page, session, options) {
    Object.assign(this, { context, page, session, options });
    page.on("download", (download) => this.#downloads.push(download));
    page.on("request", async (request) => {
      const entry = {
        method: request.method(),
        url: request.url(),
        type: request.resourceType(),
        body: request.postData() ?? "",
        headers: request.headers(),
      };
      this.requests.push(entry);
      entry.headers = await request.allHeaders().catch(() => entry.headers);
    });
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    // Accept "Leave this page?".
    page.on("dialog", (dialog) => dialog.accept().catch(() => {}));
  }

  /** Opens another tab with the same storage. */
  newTab = () => Tab.open(this.context, this.options);

  goto = async ({ url }) => (await this.page.goto(url, { waitUntil: "load" }))?.status() ?? 0;
  async reload() {
    await this.page.reload();
  }
  async back() {
    await this.page.goBack();
  }

  /** Evaluates an expression and awaits it if it is a promise. */
  value = ({ code }) => this.page.evaluate(code);

  #first = (selector) => this.page.locator(selector).first();
  click = ({ selector }) => this.#first(selector).click();
  tap = ({ selector }) => this.#first(selector).tap({ force: true, timeout: 1000 });
  type = ({ text }) => this.page.keyboard.type(text);
  press = ({ key }) => this.page.keyboard.press(key);
  async hold({ selector, milliseconds }) {
    const target = this.#first(selector);
    await target.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await target.boundingBox();
    await this.page.mouse.move(x + width / 2, y + height / 2);
    await this.page.mouse.down();
    await this.page.waitForTimeout(milliseconds);
    await this.page.mouse.up();
  }
  async holdKey({ selector, key, milliseconds }) {
    await this.page.locator(selector).focus();
    await this.page.keyboard.down(key);
    await this.page.waitForTimeout(milliseconds);
    await this.page.keyboard.up(key);
  }

  /** Chooses files in a file input. Several need `multiple`. */
  choose = ({ selector, paths }) => this.#first(selector).setInputFiles(paths);

  async download({ selector }) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), this.#first(selector).click()]);
    return { name: download.suggestedFilename(), path: await download.path() };
  }

  /** Moves fingers; see gestures.mjs. */
  async draw({ strokes }) {
    const send = (type, points) =>
      this.session.send("Input.dispatchTouchEvent", {
        type,
        touchPoints: points.map(([x, y], id) => ({ x, y, id, radiusX: 8, radiusY: 8, force: 0.5 })),
      });
    for (const { fingers, milliseconds, pause } of strokes) {
      const steps = fingers[0].length - 1;
      const start = performance.now();
      await send("touchStart", fingers.map(([first]) => first));
      for (let step = 1; step <= steps; step++) {
        await sleep(start + (milliseconds * step) / steps - performance.now());
        await send("touchMove", fingers.map((path) => path[step]));
      }
      await send("touchEnd", []);
      await sleep(pause);
    }
  }
  async wheel({ x, y, by, control = false }) {
    await this.page.mouse.move(x, y);
    if (control) await this.page.keyboard.down("Control");
    await this.page.mouse.wheel(0, by);
    if (control) await this.page.keyboard.up("Control");
  }
  /**
   * Writes as an input method does: each of `parts` replaces the one before it, then the last is accepted, unless
   * `accept` is false.
   */
  async compose({ parts, accept = true }) {
    for (const text of parts) {
      const selectionStart = text.length;
      await this.session.send("Input.imeSetComposition", { text, selectionStart, selectionEnd: selectionStart });
    }
    if (accept) await this.session.send("Input.insertText", { text: parts.at(-1) });
  }

  resize = (size) => this.page.setViewportSize(size);
  /** Changes the tab's appearance, and waits until it is drawn. */
  async look({ width, height, dark = false, forced = false, text = 100 }) {
    await this.page.setViewportSize({ width, height });
    await this.page.emulateMedia({ colorScheme: dark ? "dark" : "light", forcedColors: forced ? "active" : "none" });
    this.options = { ...this.options, text };
    await Tab.#size(this.session, text);
    await this.page.evaluate(async () => {
      await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
      const moving = document.getAnimations().filter((each) => each instanceof CSSTransition);
      await Promise.allSettled(moving.map(({ finished }) => finished));
    });
  }
  /** The tree that screen readers read: role, name and properties of everything in it. */
  async accessible() {
    const { nodes } = await this.session.send("Accessibility.getFullAXTree");
    return nodes
      .filter(({ ignored, role }) => !ignored && role?.value !== "InlineTextBox")
      .map(({ role, name, properties = [] }) => ({
        role: role?.value ?? "",
        name: name?.value ?? "",
        ...Object.fromEntries(properties.map(({ name, value }) => [name, value.value])),
      }));
  }

  /** Waits until the tab has saved `count` files, in all. */
  async downloads({ count }) {
    while (this.#downloads.length < count) await this.page.waitForEvent("download");
    return Promise.all(
      this.#downloads.map(async (each) => ({ name: each.suggestedFilename(), path: await each.path() })),
    );
  }

  /** Scrolls, clicks, taps, presses and fills in every element. */
  async bot({ milliseconds }) {
    const end = Date.now() + milliseconds;
    const quick = { timeout: 500, force: true, noWaitAfter: true };
    let acts = 0;
    const act = async (what) => {
      if (Date.now() < end)
        await what().then(
          () => (acts += 1),
          () => {},
        );
    };
    while (Date.now() < end) {
      await act(() => this.page.mouse.wheel(0, 400));
      for (const element of await this.page.locator("body *").all()) {
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
      for (const input of await this.page.locator("input").all()) {
        await act(() => input.fill("someone@example.org", quick));
        await act(() => input.press("Enter", quick));
      }
    }
    return acts;
  }

  /** Answers requests for a path in the relay's place, in every tab with this storage. */
  answer = ({ path, status, body, type = "application/problem+json" }) =>
    this.context
      .route(
        (url) => url.pathname.endsWith(path),
        (route) => route.fulfill({ status, contentType: type, body }),
      )
      .then(() => null);
  offline = ({ is }) => this.context.setOffline(is);
  async shot({ path, transparent = false, whole = true }) {
    // For a shot of the whole page Chromium changes the page's size, and forgets that of the text.
    const fullPage = whole && (this.options.text ?? 100) === 100;
    await this.page.screenshot({ path, fullPage, omitBackground: transparent });
  }

  /** Deletes this storage and closes its tabs. */
  close = () => this.context.close();
  /** Closes the tab as a person does: `beforeunload` and `pagehide` run. */
  leave = () => this.page.close({ runBeforeUnload: true });
  /** Crashes the tab's process: `pagehide` does not run. */
  async kill() {
    const crashed = this.page.waitForEvent("crash");
    const session = await this.context.newCDPSession(this.page);
    session.send("Page.crash").catch(() => {});
    await crashed;
  }
}
