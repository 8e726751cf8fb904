// WebKitGTK's MiniBrowser under Xvfb over Debian's WebKitWebDriver. This is neither Safari nor iOS.
//
// Each storage is a browser of its own behind a proxy, because WebDriver cannot record, answer or break requests:
// `offline` breaks connections and dispatches the event, but `navigator.onLine` stays true; the proxy inserts `before`
// into the page. `complaints` start when a page has loaded. `shot` shows the window. A touch tab still presses with a
// mouse. `kill` kills every tab with the same storage: WebKitWebDriver gives up the browser when one tab crashes.
//
// It cannot run `bot`; nor `pinch`: the driver moves its one mouse pointer for every finger, so that a tap is a click,
// a swipe is a drag, and `navigator.maxTouchPoints` is 0; nor `wheel` with `control`: the event has no `ctrlKey`; nor
// `compose`: no input method runs on this desktop. It cannot open a tab with `forced`, because it never matches
// forced-colors: active, nor with `insets`. `touch` changes nothing. Of `languages` it takes the first. `text` sets the
// size of the root element once the page has loaded, because MiniBrowser's options take no numbers. The driver gets no
// answer from a tab after it has gone `back` to a page that comes from the back/forward cache; `requests` go on.

import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Input } from "./input.mjs";
import { end, printed, run } from "./processes.mjs";
import { startProxy } from "./proxy.mjs";

const DRIVER = "/usr/bin/WebKitWebDriver";
const MINI_BROWSER = `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu/webkit2gtk-4.1/MiniBrowser`;
/** Deadline for a download and for the driver's start, in milliseconds. */
const SOON_MS = 20_000;

export async function start({ flags, hosts, place }) {
  const screen = run("Xvfb", ["-displayfd", "1", "-screen", "0", "3200x2800x24", "-nolisten", "tcp"], process.env, [
    "ignore",
    "pipe",
    "ignore",
  ]);
  const display = `:${await printed(screen, screen.stdout, /(\d+)\n/)}`;
  const storages = [];
  return {
    async tab({
      width = 1024,
      height = 768,
      scale = 1,
      dark = false,
      still = false,
      text = 100,
      forced = false,
      insets = null,
      languages: [language] = ["en-US"],
      script = true,
      before = null,
      agent = null,
    }) {
      if (forced || insets !== null) throw new Error("webkit has neither forced colors nor a safe area");
      const storage = { home: join(place, String(storages.length)), width, height, text };
      storages.push(storage);
      mkdirSync(join(storage.home, "downloads"), { recursive: true });
      mkdirSync(join(storage.home, ".config"));
      writeFileSync(join(storage.home, ".config/user-dirs.dirs"), 'XDG_DOWNLOAD_DIR="$HOME/downloads"\n');
      // Shrinks the toolbar: it would keep the window wider than a phone.
      mkdirSync(join(storage.home, ".config/gtk-3.0"));
      writeFileSync(
        join(storage.home, ".config/gtk-3.0/gtk.css"),
        "* { min-width: 0; min-height: 0; padding: 0; margin: 0; border-width: 0; font-size: 1px; " +
          "-gtk-icon-source: none }\n",
      );
      writeFileSync(
        join(storage.home, ".config/gtk-3.0/settings.ini"),
        `[Settings]\ngtk-enable-animations=${still ? 0 : 1}\n`,
      );
      storage.proxy = await startProxy(hosts, before);
      const env = {
        PATH: process.env.PATH,
        HOME: storage.home,
        TMPDIR: storage.home,
        XDG_RUNTIME_DIR: storage.home,
        DISPLAY: display,
        ...locale(storage, language),
        GDK_SCALE: String(scale),
        TZ: "UTC",
        GDK_BACKEND: "x11",
        LIBGL_ALWAYS_SOFTWARE: "1",
        NO_AT_BRIDGE: "1",
        GSETTINGS_BACKEND: "memory",
        GIO_USE_VFS: "local",
      };
      const port = await freePort();
      storage.driver = run(DRIVER, [`--port=${port}`], env, "ignore");
      storage.url = `http://127.0.0.1:${port}`;
      const args = ["--automation", `--proxy=http://${storage.proxy.address}`, ...flags];
      if (dark) args.push("--dark-mode");
      if (agent !== null) args.push(`--user-agent=${agent}`);
      if (!script) args.push("--enable-javascript-markup=false");
      const options = {
        "webkitgtk:browserOptions": { binary: MINI_BROWSER, args },
        unhandledPromptBehavior: "accept",
        timeouts: { script: 40_000, pageLoad: 40_000 },
      };
      const { sessionId } = await patiently(() =>
        ask(storage.url, "POST", "/session", { capabilities: { alwaysMatch: options } }),
      );
      storage.url += `/session/${sessionId}`;
      return Tab.in(storage, await ask(storage.url, "GET", "/window"));
    },
    stop: () => {
      for (const { driver, proxy } of storages) {
        if (driver) end(driver.pid);
        proxy?.stop();
      }
      end(screen.pid);
    },
  };
}

/** The environment of a language: WebKitGTK takes it from the C library's locale, which may have no data of its own. */
function locale({ home }, language) {
  const locales = join(home, "locales");
  const name = language.replace("-", "_");
  mkdirSync(locales);
  symlinkSync("/usr/lib/locale/C.utf8", join(locales, `${name}.utf8`));
  return { LOCPATH: locales, LANG: `${name}.UTF-8` };
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Retries until the driver accepts connections. */
async function patiently(what) {
  for (const late = Date.now() + SOON_MS; ; await sleep(30)) {
    try {
      return await what();
    } catch (error) {
      if (!(error instanceof TypeError) || Date.now() > late) throw error;
    }
  }
}

async function ask(url, method, path, body) {
  const answer = await fetch(url + path, { method, body: body && JSON.stringify(body) });
  const { value } = await answer.json();
  if (value?.error) throw new Error(`${value.error}: ${value.message}`);
  return value;
}

const parses = (code) => {
  try {
    return Boolean(new Function(code));
  } catch {
    return false;
  }
};

/** Turns code into a function body that returns the value of its last expression. */
function body(code) {
  for (let at = 0; at >= 0; at = code.lastIndexOf(";", at - 1)) {
    // Try the whole code first, then the part after each semicolon, from the last one backward.
    const [before, last] = at === 0 ? ["", code] : [code.slice(0, at + 1), code.slice(at + 1)];
    if (last.trim() !== "" && parses(`return (async () => { ${before}\nreturn (${last}\n) })`))
      return `${before}\nreturn (${last}\n)`;
    if (at === 0) at = code.length + 1;
  }
  return code;
}

/** Records errors in the page. */
const LISTEN = `(() => {
  if (Symbol.for("complaints") in globalThis) return;
  const heard = [];
  Object.defineProperty(globalThis, Symbol.for("complaints"), { value: heard });
  const { error } = console;
  console.error = (...what) => {
    heard.push(what.join(" "));
    error.apply(console, what);
  };
  addEventListener("error", ({ message }) => heard.push(message));
  addEventListener("unhandledrejection", ({ reason }) => heard.push(String(reason)));
  addEventListener("securitypolicyviolation", (event) => {
    heard.push(event.effectiveDirective + ": " + event.blockedURI);
  });
})()`;

/** Code that makes all text larger whose size depends on that of ordinary text. */
const larger = (percent) => `
  const { style } = document.documentElement;
  style.fontSize = parseFloat(getComputedStyle(document.documentElement).fontSize) * ${percent / 100} + "px"`;

class Tab extends Input {
  #heard = [];

  constructor(storage, handle) {
    super();
    Object.assign(this, { storage, handle, pointer: "mouse" });
  }

  static async in(storage, handle) {
    const tab = new Tab(storage, handle);
    await tab.resize(storage);
    return tab;
  }

  /** Sets the size of the page, without the toolbar that belongs to the window. The window follows later. */
  async resize({ width, height }) {
    const code = "[innerWidth, innerHeight, outerWidth - innerWidth, outerHeight - innerHeight]";
    for (const late = Date.now() + SOON_MS; ; await sleep(30)) {
      const [innerWidth, innerHeight, besides, above] = await this.value({ code });
      if (innerWidth === width && innerHeight === height) return;
      if (Date.now() > late) throw new Error(`the page stays at ${innerWidth}x${innerHeight}`);
      await this.#ask("POST", "/window/rect", { x: 0, y: 0, width: width + besides, height: height + above });
    }
  }

  get requests() {
    return this.storage.proxy.requests;
  }
  get complaints() {
    return this.#gather().then(() => this.#heard);
  }

  /** Sends a WebDriver command to this tab. */
  async #ask(method, path, body) {
    if (this.storage.at !== this.handle) await ask(this.storage.url, "POST", "/window", { handle: this.handle });
    this.storage.at = this.handle;
    return ask(this.storage.url, method, path, body);
  }

  async newTab() {
    const { handle } = await this.#ask("POST", "/window/new", { type: "window" });
    return Tab.in(this.storage, handle);
  }

  /** Opens a second window: the browser exits with its last one. */
  async #companion() {
    this.storage.companion ??= (await this.#ask("POST", "/window/new", { type: "window" })).handle;
  }

  goto = ({ url }) => this.#go("/url", { url });
  reload = () => this.#go("/refresh", {});
  back = () => this.#go("/back", {});
  async #go(path, body) {
    await this.#gather();
    await this.#ask("POST", path, body);
    await this.value({ code: LISTEN });
    const { text } = this.storage;
    if (text !== 100) await this.value({ code: larger(text) });
  }
  /** Saves the page's errors before a navigation discards them. */
  async #gather() {
    this.#heard.push(...(await this.value({ code: "(globalThis[Symbol.for('complaints')] ?? []).splice(0)" })));
  }

  async value({ code }) {
    const script = `const done = arguments[arguments.length - 1]; (async () => { ${body(code)}
    })().then((value) => done({ value: value ?? null }), (error) => done({ error: String(error) }))`;
    const { value, error } = await this.#ask("POST", "/execute/async", { script, args: [] });
    if (error !== undefined) throw new Error(error);
    return value;
  }

  /** Repeats a press that failed without a reason, as a few in a thousand do, unless it had its effect. */
  async hold(press) {
    try {
      await super.hold(press);
    } catch (error) {
      if (error.message !== "unknown error: ") throw error;
      const code = `document.querySelector(${JSON.stringify(press.selector)}) !== null`;
      if (await this.value({ code })) await super.hold(press);
    }
  }

  /** Presses with a mouse where an engine with a touchscreen would touch. */
  draw({ strokes }) {
    if (strokes.some(({ fingers }) => fingers.length > 1)) throw new Error("webkit has one pointer");
    return super.draw({ strokes });
  }
  wheel(turn) {
    if (turn.control) throw new Error("webkit turns the wheel without keys");
    return super.wheel(turn);
  }

  /** Chooses files in a file input. Several need `multiple`. */
  async choose({ selector, paths }) {
    const element = await this.#ask("POST", "/element", { using: "css selector", value: selector });
    await this.#ask("POST", `/element/${Object.values(element)[0]}/value`, { text: paths.join("\n") });
  }

  perform = (actions) => this.#ask("POST", "/actions", { actions });

  async download({ selector }) {
    const before = this.#saved().map(({ name }) => name);
    await this.click({ selector });
    const all = await this.downloads({ count: before.length + 1 });
    return all.find(({ name }) => !before.includes(name));
  }
  #saved() {
    const folder = join(this.storage.home, "downloads");
    const names = readdirSync(folder).filter((each) => !each.endsWith(".wkdownload"));
    return names.map((name) => ({ name, path: join(folder, name) }));
  }
  /** Waits until the storage has saved `count` files, in all, in the order of their names. */
  async downloads({ count }) {
    const size = (files) => files.reduce((sum, { path }) => sum + statSync(path).size, 0);
    let last = -1;
    for (const late = Date.now() + SOON_MS; Date.now() < late; await sleep(50)) {
      const files = this.#saved();
      if (files.length >= count && last === (last = size(files))) return files;
    }
    throw new Error(`the browser saved ${this.#saved().length} files`);
  }

  /** The tree that screen readers read: role and name of every visible element. */
  async accessible() {
    const script = `return [...document.querySelectorAll("body *")].filter((element) =>
      element.checkVisibility({ visibilityProperty: true }) && element.closest("[aria-hidden=true]") === null)`;
    const elements = await this.#ask("POST", "/execute/sync", { script, args: [] });
    const list = [];
    for (const element of elements) {
      const path = `/element/${Object.values(element)[0]}`;
      // The driver has no role for an element that is not rendered.
      const role = await this.#ask("GET", `${path}/computedrole`).catch(() => "none");
      if (role !== "none") list.push({ role, name: (await this.#ask("GET", `${path}/computedlabel`)) ?? "" });
    }
    return list;
  }

  /** Answers requests for a path in the relay's place, in every tab with this storage. */
  answer({ path, status, body, type }) {
    this.storage.proxy.answers.unshift({ path, status, body, type });
  }

  async offline({ is }) {
    this.storage.proxy.offline = is;
    if (is) this.storage.proxy.cut();
    await this.value({ code: `dispatchEvent(new Event("${is ? "offline" : "online"}"))` });
  }

  async shot({ path }) {
    writeFileSync(path, Buffer.from(await this.#ask("GET", "/screenshot"), "base64"));
  }

  /** Deletes this storage and closes its tabs. */
  close() {
    end(this.storage.driver.pid);
    this.storage.proxy.stop();
  }
  /** Closes the tab as a person does: `beforeunload` and `pagehide` run. */
  async leave() {
    // The page's last request must not end with the browser.
    await this.#companion();
    await this.#ask("DELETE", "/window");
    this.storage.at = null;
  }
  /** Kills the browser: `pagehide` does not run. */
  kill = () => this.close();
}
