// Debian's Firefox ESR over WebDriver BiDi. This is desktop Firefox, not Firefox for Android.
//
// It cannot run `bot`, nor open a tab with `script: false`, nor with `insets`: no command sets env(safe-area-inset-*).
// Each tab is a window, so that none is hidden. `dark`, `forced`, `still`, `text`, `languages` and the coarse pointer
// of `touch` apply to all tabs: the last tab that opens sets them. With `forced`, the desktop's colors decide about
// `dark`. `navigator.maxTouchPoints` stays 0. Gestures are trusted touch and pointer events, but they never scroll or
// zoom, and no `dblclick` follows a double tap. A `wheel` with `control` zooms the window unless the page prevents it.

import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Input } from "./input.mjs";
import { end, kill, printed, run } from "./processes.mjs";
import { startProxy } from "./proxy.mjs";

/** Deadline for the tree of a page after the accessibility service has started, in milliseconds. */
const TREE_MS = 10_000;

const FIREFOX = "/usr/bin/firefox-esr";

/** Turns off Firefox's own requests. Requests off loopback go to the proxy, which refuses them. */
const preferences = (proxy) => ({
  "remote.prefs.recommended": true,
  "remote.active-protocols": 1,
  "network.proxy.type": 1,
  ...Object.fromEntries(
    ["http", "ssl"].flatMap((each) => [
      [`network.proxy.${each}`, "127.0.0.1"],
      [`network.proxy.${each}_port`, Number(proxy.address.split(":")[1])],
    ]),
  ),
  "network.proxy.failover_direct": false,
  "network.proxy.allow_bypass": false,
  "network.proxy.no_proxies_on": "",
  "network.trr.mode": 5,
  "network.dns.disablePrefetch": true,
  "network.prefetch-next": false,
  "network.predictor.enabled": false,
  "network.http.speculative-parallel-limit": 0,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.blockedURIs.enabled": false,
  "app.update.enabled": false,
  "app.update.auto": false,
  "app.normandy.enabled": false,
  "extensions.update.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "extensions.blocklist.enabled": false,
  "media.gmp-manager.url": "data:,",
  "media.gmp-provider.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "datareporting.healthreport.uploadEnabled": false,
  "toolkit.telemetry.enabled": false,
  "toolkit.telemetry.unified": false,
  "toolkit.telemetry.server": "data:,",
  "browser.region.network.url": "",
  "browser.search.update": false,
  "browser.topsites.contile.enabled": false,
  "browser.newtabpage.activity-stream.feeds.system.topstories": false,
  "browser.startup.page": 0,
  "browser.startup.homepage_override.mstone": "ignore",
  "browser.shell.checkDefaultBrowser": false,
  "browser.aboutwelcome.enabled": false,
  "dom.push.connection.enabled": false,
  "identity.fxaccounts.enabled": false,
  "browser.download.alwaysOpenPanel": false,
});

export async function start({ require, flags, hosts, place }) {
  const WebSocket = require("ws");
  const proxy = await startProxy(hosts);
  const profile = join(place, "profile");
  mkdirSync(profile);
  const lines = Object.entries(preferences(proxy)).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, "user.js"), lines.join(""));
  const args = [
    "--headless",
    "--no-remote",
    "--profile",
    profile,
    "--remote-debugging-port=0",
    "--remote-allow-system-access",
    ...flags,
    "about:blank",
  ];
  const env = {
    PATH: process.env.PATH,
    HOME: place,
    TMPDIR: place,
    LANG: "C.UTF-8",
    TZ: "UTC",
    MOZ_CRASHREPORTER_DISABLE: "1",
    MOZ_REMOTE_SETTINGS_DEVTOOLS: "1",
  };
  const browser = run(FIREFOX, args, env, ["ignore", "ignore", "pipe"]);
  const line = new Line(
    new WebSocket(`${await printed(browser, browser.stderr, /BiDi listening on (ws:\S+)/)}/session`, {
      perMessageDeflate: false,
    }),
  );
  await line.opened;
  await line.ask("session.new", { capabilities: { alwaysMatch: { unhandledPromptBehavior: { default: "accept" } } } });
  const events = [
    "log.entryAdded",
    "network.beforeRequestSent",
    "browsingContext.downloadWillBegin",
    "browsingContext.downloadEnd",
  ];
  await line.ask("session.subscribe", { events });
  const chrome = (await line.ask("browsingContext.getTree", { "moz:scope": "chrome" })).contexts[0].context;
  let storages = 0;
  return {
    async tab({ width = 1024, height = 768, scale = 1, script = true, before = null, agent = null, ...looks }) {
      if (!script) throw new Error("firefox cannot do without scripts");
      if (looks.insets) throw new Error("firefox has no safe area");
      const { userContext } = await line.ask("browser.createUserContext");
      const userContexts = [userContext];
      const downloads = join(place, `downloads-${(storages += 1)}`);
      mkdirSync(downloads);
      await line.ask("browser.setDownloadBehavior", {
        downloadBehavior: { type: "allowed", destinationFolder: downloads },
        userContexts,
      });
      await line.ask("browsingContext.setViewport", {
        viewport: { width, height },
        devicePixelRatio: scale,
        userContexts,
      });
      await line.ask("network.addDataCollector", { dataTypes: ["request"], maxEncodedDataSize: 1 << 20, userContexts });
      if (agent !== null) await line.ask("emulation.setUserAgentOverride", { userAgent: agent, userContexts });
      if (before !== null)
        await line.ask("script.addPreloadScript", { functionDeclaration: `() => { ${before}\n}`, userContexts });
      return Tab.open({ line, chrome, userContext, tabs: new Set(), answers: [], looks });
    },
    stop: () => {
      end(browser.pid);
      proxy.stop();
    },
  };
}

/** The BiDi connection: matches answers to commands and passes events to the tab that they concern. */
class Line {
  #asked = new Map();
  #count = 0;
  listeners = new Map();

  constructor(socket) {
    this.socket = socket;
    this.opened = new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    socket.on("message", (bytes) => {
      const { id, method, params, result, error, message } = JSON.parse(bytes);
      if (method !== undefined) return this.#tell(method, params);
      const { resolve, reject } = this.#asked.get(id);
      this.#asked.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(`${error}: ${message}`));
    });
    socket.on("close", () => {
      for (const { reject } of this.#asked.values()) reject(new Error("firefox is gone"));
    });
  }

  ask(method, params = {}) {
    this.socket.send(JSON.stringify({ id: (this.#count += 1), method, params }));
    return new Promise((resolve, reject) => this.#asked.set(this.#count, { resolve, reject }));
  }

  #tell(method, params) {
    this.listeners.get(params.context ?? params.source?.context)?.(method, params);
  }
}

/** Decodes a BiDi RemoteValue. */
function plain({ type, value }) {
  if (type === "undefined" || type === "null") return null;
  if (["array", "set", "nodelist", "htmlcollection"].includes(type)) return value?.map(plain) ?? [];
  if (type === "object" || type === "map")
    return Object.fromEntries(
      (value ?? []).map(([key, each]) => [typeof key === "string" ? key : plain(key), plain(each)]),
    );
  return value ?? null;
}

/** The preferences for the options of a tab. */
function appearance({ dark = false, forced = false, still = false, touch = false, text = 100, languages = null }) {
  // Pointer capabilities: 1 is coarse; 6 is fine with hover.
  const pointer = touch ? 1 : 6;
  return {
    "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
    "browser.display.document_color_use": forced ? 2 : 1,
    "ui.prefersReducedMotion": still ? 1 : 0,
    "ui.primaryPointerCapabilities": pointer,
    "ui.allPointerCapabilities": pointer,
    "font.size.variable.x-western": (16 * text) / 100,
    "font.size.monospace.x-western": (13 * text) / 100,
    "intl.accept_languages": (languages ?? ["en-US", "en"]).join(", "),
  };
}

class Tab extends Input {
  requests = [];
  complaints = [];
  #saving = null;
  #saved = [];

  static async open(storage) {
    const { line, userContext, tabs, looks } = storage;
    const { context } = await line.ask("browsingContext.create", { type: "window", userContext });
    const tab = new Tab(storage, context);
    tabs.add(tab);
    line.listeners.set(context, (method, params) => tab.#onEvent(method, params));
    for (const [name, value] of Object.entries(appearance(looks)))
      await tab.#inBrowser(
        `Services.prefs.set${typeof value === "string" ? "String" : "Int"}Pref("${name}", ${JSON.stringify(value)})`,
      );
    await tab.#intercept();
    return tab;
  }

  constructor(storage, context) {
    super();
    Object.assign(this, storage, { context, pointer: storage.looks.touch ? "touch" : "mouse" });
    this.storage = storage;
  }

  #onEvent(method, params) {
    if (method === "log.entryAdded" && params.level === "error") this.complaints.push(params.text);
    if (method === "browsingContext.downloadWillBegin" && this.#saving) this.#saving.name = params.suggestedFilename;
    if (method === "browsingContext.downloadEnd") this.#saving?.ended(params);
    if (method === "browsingContext.downloadEnd" && params.status === "complete") this.#saved.push(params.filepath);
    if (params.isBlocked) void this.#serve(params.request).catch(() => {});
    if (method !== "network.beforeRequestSent" || !params.request.url.startsWith("http")) return;
    const { request, url, method: verb, headers, destination } = params.request;
    const entry = {
      method: verb,
      url: url.split("#")[0],
      type: destination,
      body: "",
      headers: Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value.value])),
    };
    this.requests.push(entry);
    this.line.ask("network.getData", { dataType: "request", request }).then(
      ({ bytes }) => (entry.body = bytes.value),
      () => {},
    );
  }

  /** Evaluates privileged code, in which `found` is this tab's BrowsingContext. */
  async #inBrowser(code) {
    const expression = `(() => {
      const file = "chrome://remote/content/shared/NavigableManager.sys.mjs";
      const { NavigableManager } = ChromeUtils.importESModule(file);
      const found = NavigableManager.getBrowsingContextById(${JSON.stringify(this.context)});
      return ${code};
    })()`;
    return this.#result(
      await this.line.ask("script.evaluate", { expression, awaitPromise: true, target: { context: this.chrome } }),
    );
  }

  #result({ type, result, exceptionDetails }) {
    if (type === "exception") throw new Error(exceptionDetails.text);
    return plain(result);
  }

  newTab = () => Tab.open(this.storage);

  async goto({ url }) {
    await this.line.ask("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }
  async reload() {
    await this.line.ask("browsingContext.reload", { context: this.context, wait: "complete" });
  }
  async back() {
    await this.line.ask("browsingContext.traverseHistory", { context: this.context, delta: -1 });
  }

  async value({ code }) {
    const params = {
      expression: code,
      awaitPromise: true,
      userActivation: false,
      target: { context: this.context },
      serializationOptions: { maxObjectDepth: 16 },
    };
    return this.#result(await this.line.ask("script.evaluate", params));
  }

  /** Chooses files in a file input. Several need `multiple`. */
  async choose({ selector, paths }) {
    const { context } = this;
    const locator = { type: "css", value: selector };
    const { nodes } = await this.line.ask("browsingContext.locateNodes", { context, locator, maxNodeCount: 1 });
    if (nodes.length === 0) throw new Error(`there is no ${selector}`);
    await this.line.ask("input.setFiles", { context, element: { sharedId: nodes[0].sharedId }, files: paths });
  }

  async perform(actions) {
    await this.line.ask("input.performActions", { context: this.context, actions });
  }

  /** Waits until the tab has saved `count` files, in all. */
  async downloads({ count }) {
    while (this.#saved.length < count) await sleep(20);
    return this.#saved.map((path) => ({ name: basename(path), path }));
  }
  async download({ selector }) {
    const saved = new Promise((resolve, reject) => {
      this.#saving = {
        name: null,
        ended: ({ status, filepath }) => (status === "complete" ? resolve(filepath) : reject(new Error(status))),
      };
    });
    await this.click({ selector });
    return { path: await saved, name: this.#saving.name };
  }

  async resize({ width, height }) {
    await this.line.ask("browsingContext.setViewport", { context: this.context, viewport: { width, height } });
  }
  /** The tree that screen readers read: role and name of everything in it. The service starts with the first call. */
  async accessible() {
    const code = `(() => {
      const service = Cc["@mozilla.org/accessibilityService;1"].getService(Ci.nsIAccessibilityService);
      const list = [];
      const walk = (node) => {
        list.push({ role: service.getStringRole(node.role), name: node.name ?? "" });
        for (let child = node.firstChild; child; child = child.nextSibling) walk(child);
      };
      const page = service.getAccessibleFor(found.embedderElement)?.firstChild;
      if (page) walk(page);
      return list;
    })()`;
    for (const end = Date.now() + TREE_MS; Date.now() < end; await sleep(50)) {
      const list = await this.#inBrowser(code);
      if (list.length > 1) return list;
    }
    throw new Error("the accessibility service has no tree of this page");
  }
  /** Writes as an input method does: each of `parts` replaces the one before it, then the last is accepted. */
  async compose({ parts }) {
    await this.#inBrowser(`(() => {
      const window = found.topChromeWindow;
      const method = Cc["@mozilla.org/text-input-processor;1"].createInstance(Ci.nsITextInputProcessor);
      if (!method.beginInputTransactionForTests(window)) throw new Error("no input transaction");
      for (const part of ${JSON.stringify(parts)}) {
        method.setPendingCompositionString(part);
        method.appendClauseToPendingComposition(part.length, method.ATTR_RAW_CLAUSE);
        method.setCaretInPendingComposition(part.length);
        method.flushPendingComposition();
      }
      method.commitComposition();
      return 0;
    })()`);
  }

  /** Answers requests for a path in the relay's place, in every tab with this storage. */
  async answer({ path, status, body, type = "application/problem+json" }) {
    this.answers.unshift({ path, status, body, type });
    for (const tab of this.tabs) await tab.#intercept();
  }
  async #intercept() {
    if (this.answers.length === 0) return;
    this.interception ??= this.line.ask("network.addIntercept", {
      phases: ["beforeRequestSent"],
      contexts: [this.context],
    });
    await this.interception;
  }
  #serve({ request, url }) {
    const found = this.answers.find(({ path }) => new URL(url).pathname.endsWith(path));
    if (!found) return this.line.ask("network.continueRequest", { request });
    const headers = [{ name: "content-type", value: { type: "string", value: found.type } }];
    return this.line.ask("network.provideResponse", {
      request,
      statusCode: found.status,
      headers,
      body: { type: "string", value: found.body },
    });
  }

  async offline({ is }) {
    await this.line.ask("emulation.setNetworkConditions", {
      networkConditions: is ? { type: "offline" } : null,
      userContexts: [this.userContext],
    });
  }

  async shot({ path, whole = true }) {
    const { data } = await this.line.ask("browsingContext.captureScreenshot", {
      context: this.context,
      origin: whole ? "document" : "viewport",
    });
    writeFileSync(path, Buffer.from(data, "base64"));
  }

  /** Deletes this storage and closes its tabs. */
  async close() {
    await this.line.ask("browser.removeUserContext", { userContext: this.userContext });
  }
  /** Closes the tab as a person does: `beforeunload` and `pagehide` run. */
  async leave() {
    await this.line.ask("browsingContext.close", { context: this.context, promptUnload: true });
  }
  /** Kills the tab's process: `pagehide` does not run. */
  async kill() {
    kill(await this.#inBrowser("found.currentWindowGlobal.osPid"));
  }
}
