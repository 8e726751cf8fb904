// Checks how the page sends when the relay, the network or the browser fails. `node uploading.mjs WORKSHOP`: the page's
// sources and packages. The relay is one in memory, whose answers each scenario changes.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { together } from "./bundled.mjs";

const [workshop] = process.argv.slice(2);
const { files } = await import(pathToFileURL(join(workshop, "settings.mjs")).href);

/** Storage whose own members are its entries, as in browsers. */
function storage() {
  const methods = {
    getItem(key) {
      return Object.hasOwn(this, key) ? this[key] : null;
    },
    setItem(key, value) {
      this[key] = String(value);
    },
    removeItem(key) {
      delete this[key];
    },
  };
  return Object.create(methods);
}

const page = new EventTarget();
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"])
  globalThis[name] = page[name].bind(page);
/** Web Locks of all tabs. */
const locks = new Set();
const closeTabs = () => locks.clear();
globalThis.navigator = {
  locks: {
    request(name, { signal }, hold) {
      if (locks.has(name)) return new Promise((_, end) => signal.addEventListener("abort", () => end(signal.reason)));
      locks.add(name);
      return hold().then(() => locks.delete(name));
    },
  },
};
globalThis.document = { hidden: false };
globalThis.location = new URL("https://relay.example/base/send");
globalThis.isSecureContext = true;
globalThis.localStorage = storage();
globalThis.sessionStorage = storage();


/** A visit of the page: a tab with modules of its own. */
const visit = () =>
  together(workshop, "upload/sending", "upload/outbox", "upload/status", "upload/token", "relay", "secret", "link");

const text = (bytes) => Buffer.from(bytes).toString("base64url");
const ownVerifier = (id, token) => {
  const [of, by] = [id, token].map((encoded) => Buffer.from(encoded ?? "", "base64url"));
  return createHash("sha256").update("share.v1 verifier\0own\0").update(of).update(by).digest("base64url");
};
const answer = (status, body, type = "application/json", headers = {}) =>
  new Response(body === null ? null : JSON.stringify(body), { status, headers: { "Content-Type": type, ...headers } });
const problem = (status, word, members = {}, headers = {}) =>
  answer(status, { type: `urn:share:${word}`, ...members }, "application/problem+json", headers);
const html = (status) => new Response("<html>log in", { status, headers: { "Content-Type": "text/html" } });
const LOST = () => {
  throw new TypeError("network error");
};

/** A relay in memory that follows PROTOCOL.md as far as an honest sender can tell. */
class Relay {
  shares = new Map();
  /** Requests: `create`, `part 0`, `commit`, `deposit`, `owner`, `DELETE`, `about`. */
  log = [];
  bodies = [];
  flying = 0;
  most = 0;
  /** Answers in the relay's place: `fault(name, number of such requests)` before, and `lost` after it has acted. */
  fault = () => null;
  lost = () => false;
  header = "share-authorization";

  async fetch(url, { method = "GET", headers = {}, body = null, signal }) {
    assert.ok(!signal?.aborted || LOST());
    const path = new URL(url).pathname.replace("/base/", "");
    if (path.startsWith("page/")) return new Response(files.find((file) => path === `page/${file.path}`).bytes);
    const name = path.startsWith("v1/part/") ? `part ${path.slice(8)}` : method === "DELETE" ? method : path.slice(3);
    const known = path === ".well-known/share" ? "about" : name;
    const count = this.log.filter((each) => each === known).length;
    this.log.push(known);
    const bytes = body instanceof Blob ? Buffer.from(await body.arrayBuffer()) : Buffer.from(body ?? "");
    this.bodies.push([known, bytes]);
    this.flying += 1;
    this.most = Math.max(this.most, this.flying);
    try {
      await new Promise((go) => setTimeout(go, 1));
      const fault = await this.fault(known, count, signal);
      if (fault) return fault;
      if (signal?.aborted) LOST();
      const given = new Headers(headers).get(this.header)?.match(/^Bearer (.{22})\.(.{43})$/) ?? [];
      const answered = this.answer(known, given[1], given[2], bytes, new Headers(headers));
      return this.lost(known, count) ? LOST() : answered;
    } finally {
      this.flying -= 1;
    }
  }

  answer(name, id, token, bytes, headers) {
    if (name === "about") return answer(200, { v: 1, create: "open", max_bytes: 1e9, max_ttl: 1e6, public_url: null });
    if (name === "create") return this.create(JSON.parse(bytes), id, token);
    if (name === "deposit") {
      const end = 4 + bytes.readUInt32BE(0);
      const { create, commit } = JSON.parse(bytes.subarray(4, end));
      const created = this.create(create, id, token);
      if (created.status !== 201) return created;
      this.shares.get(id).parts.set(0, bytes.subarray(end));
      return this.commit(this.shares.get(id), commit);
    }
    const share = this.shares.get(id);
    if (share?.own !== ownVerifier(id, token)) return problem(404, "unknown");
    if (name === "DELETE") {
      const was = share.state;
      if (was === "uploading") share.state = "aborted";
      else if (was === "waiting") share.state = "revoked";
      return answer(200, { was });
    }
    if (name === "owner") return answer(200, { v: 1, state: share.state, ...share.status });
    if (!["uploading", "waiting"].includes(share.state)) return problem(410, share.state, { at: 1 });
    if (name === "commit") return this.commit(share, JSON.parse(bytes));
    const number = Number(name.split(" ")[1]);
    assert.match(headers.get("Share-Crc32c"), /^[0-9a-f]{8}$/);
    const before = share.parts.get(number);
    if (before && !before.equals(bytes)) return problem(409, "part-differs");
    share.parts.set(number, bytes);
    return new Response(null, { status: 204 });
  }

  create({ v, verifiers: { own }, ttl }, id, token) {
    if (v !== 1 || ttl !== 3600 || own !== ownVerifier(id, token)) return problem(400, "bad-request");
    if (!this.shares.has(id)) this.shares.set(id, { state: "uploading", own, parts: new Map(), status: {} });
    return answer(201, { v: 1 });
  }

  commit(share, commit) {
    const length = [...share.parts.values()].reduce((sum, part) => sum + part.length, 0);
    if (length !== commit.blob_len || share.parts.size !== commit.parts.length) return problem(409, "parts-missing");
    const content = JSON.stringify(commit);
    if (share.committed && share.committed !== content) return problem(409, "sealed");
    [share.committed, share.state] = [content, "waiting"];
    return answer(201, { v: 1, expires: 2_000_000_000 });
  }

  states = () => [...this.shares.values()].map(({ state }) => state);
  count = (name) => this.log.filter((each) => each === name).length;
  of = (name) => this.bodies.filter(([each]) => each === name).map(([, bytes]) => bytes);
}

const place = mkdtempSync(join(tmpdir(), "share-uploading-"));
process.on("exit", () => rmSync(place, { recursive: true }));
const file = (name, bytes) => {
  writeFileSync(join(place, name), bytes);
  return openAsBlob(join(place, name));
};
const PART = 4 * 1024 * 1024;
const SMALL = new Blob(["a small file"]);
/** A file of three parts. */
const LARGE = new Blob([new Uint8Array(9_000_000).map((_, at) => at * 7)]);

/** Sends with faults. Returns what became of it, the relay, and the visit. */
async function send({ content = LARGE, recipients = [null], at = null, act = null, ...faults }) {
  at ??= await visit();
  for (const { id } of at.outbox.list()) at.outbox.forget(id);
  const relay = Object.assign(new Relay(), faults);
  globalThis.fetch = (url, request) => relay.fetch(url, request);
  const events = { begin: [], sent: [], waits: [] };
  const contents = Array.isArray(content) ? content : [content];
  const sending = new at.sending.Sending(
    contents.map((content, number) => ({ path: [`${number}.bin`], type: "a/b", content })),
    {
      ...{ ttl: 3600, passphrase: null, viewOnly: false, from: null, note: null, name: null, createToken: null },
      recipients,
    },
    {
      begin: (total) => events.begin.push(total),
      sent: (bytes) => events.sent.push(bytes),
      waits: (seconds) => {
        events.waits.push(seconds);
        if (seconds !== null) queueMicrotask(() => sending.now());
      },
    },
  );
  const run = sending.run();
  act?.(sending, relay);
  const sent = await run.catch((error) => error);
  return { sent, why: sent.why, details: sent.details, relay, at, events, kept: at.outbox.list() };
}

/** Asserts that a share was sent: one is at the relay and in the outbox, and all others were revoked. */
function expectSent({ sent, relay, kept, events }, revoked = []) {
  assert.ok(Array.isArray(sent), sent.stack);
  assert.deepEqual(relay.states(), [...revoked, ...sent.map(() => "waiting")]);
  assert.deepEqual(new Set(kept.map(({ state }) => state.word)), new Set(["waiting"]));
  assert.equal(kept.length, sent.length);
  assert.equal(events.begin.length, 1);
  assert.equal(events.sent.at(-1), events.begin[0]);
  assert.match(sent[0].link, /^https:\/\/relay\.example\/base\/#share1[0-9a-z]{46}$/);
}

/** Asserts that nothing was sent, for this reason, and that nothing is left. */
function expectNothing({ sent, why, details, relay, kept }, expected, also = {}) {
  assert.equal(why, expected, sent.stack);
  assert.deepEqual(details, also);
  assert.deepEqual(kept, []);
  assert.ok(relay.states().every((state) => state === "aborted" || state === "revoked"), String(relay.states()));
}

const scenarios = {
  async each_lost_answer_is_asked_for_again_with_the_same_bytes() {
    const done = await send({ lost: (name, count) => name !== "about" && count === 0 });
    expectSent(done);
    for (const name of ["create", "part 0", "part 1", "part 2", "commit"]) {
      const [one, other, ...more] = done.relay.of(name);
      assert.ok(one.equals(other) && more.length === 0, name);
    }
    const small = await send({ content: SMALL, lost: (name, count) => name === "deposit" && count < 2 });
    expectSent(small);
    assert.deepEqual(small.relay.log, ["about", "deposit", "deposit", "deposit"]);
    assert.ok(small.relay.of("deposit").every((body, _, all) => body.equals(all[0])));
  },

  async three_parts_are_on_their_way_at_once() {
    let relay;
    const done = await send({
      content: new Blob([LARGE, LARGE]),
      act: (_, its) => (relay = its),
      fault: async (name, count) => {
        if (!/part [012]/.test(name)) return null;
        while (relay.most < 3) await new Promise((go) => setTimeout(go, 1));
        return null;
      },
    });
    expectSent(done);
    assert.equal(done.relay.most, 3);
  },

  async two_links_have_nothing_in_common() {
    const done = await send({ recipients: ["Anna", "Ben"] });
    expectSent(done);
    const [one, other] = [...done.relay.shares.values()].map(({ parts }) => Buffer.concat([...parts.values()]));
    assert.equal(one.length, other.length);
    const same = one.reduce((sum, byte, at) => sum + Number(byte === other[at]), 0);
    // A byte in 256 is equal by chance.
    assert.ok(Math.abs(same / one.length - 1 / 256) < 0.0005, String(same / one.length));
    assert.deepEqual(done.kept.map(({ recipient }) => recipient).sort(), ["Anna", "Ben"]);
    assert.equal(done.events.begin[0], 2 * one.length);
    const stored = JSON.stringify(localStorage);
    for (const { link } of done.sent) assert.ok(!stored.includes(link.split("#")[1].slice(8, 40)));
    assert.ok(!stored.includes("0.bin"));
  },

  async all_links_or_none() {
    const quota = { max: 5, limit: "shares", until: 1_900_000_000 };
    const done = await send({
      recipients: ["Anna", "Ben", null],
      fault: (name, count) => (name === "create" && count === 1 ? problem(403, "quota", quota) : null),
    });
    expectNothing(done, "quota", quota);
    assert.deepEqual(done.relay.states(), ["revoked"]);
  },

  async a_part_that_is_refused_ends_the_others() {
    const quota = { max: 5, limit: "bytes", until: 1_900_000_000 };
    const done = await send({
      content: new Blob([LARGE, LARGE]),
      fault: async (name, _, signal) => {
        if (name === "part 1") return problem(403, "quota", quota);
        if (!name.startsWith("part")) return null;
        // Parts whose connection is lost wait before they are sent again.
        if (name === "part 0") return LOST();
        return new Promise((_, end) => signal.addEventListener("abort", () => end(new TypeError("network error"))));
      },
    });
    expectNothing(done, "quota", quota);
    const asked = done.relay.log.length;
    await new Promise((go) => setTimeout(go, 2500));
    assert.deepEqual(done.relay.log.slice(asked), []);
    assert.equal(done.relay.log.at(-1), "DELETE");
  },

  async a_line_that_corrupts_is_tried_five_times() {
    const garbled = (times) => (name, count) =>
      name === "part 1" && count < times ? problem(400, "bad-checksum") : null;
    expectSent(await send({ fault: garbled(4) }));
    const done = await send({ fault: garbled(5) });
    expectNothing(done, "garbled");
    assert.equal(done.relay.count("part 1"), 5);
    assert.equal(done.relay.count("commit"), 0);
  },

  async what_the_relay_has_lost_is_sent_anew_under_another_id() {
    const lost = [
      ["commit", () => problem(409, "parts-missing")],
      ["commit", () => problem(409, "sealed")],
      ["part 1", () => problem(409, "part-differs")],
      ["create", () => problem(409, "id-taken")],
      ["part 2", () => problem(410, "aborted", { at: 5 })],
    ];
    for (const [where, how] of lost) {
      const once = await send({ fault: (name, count) => (name === where && count === 0 ? how() : null) });
      expectSent(once, where === "create" ? [] : ["aborted"]);
      const { log } = once.relay;
      // The old one is revoked before the new one is announced.
      assert.ok(log.indexOf("DELETE") < log.lastIndexOf("create") && log.indexOf("DELETE") > log.indexOf(where), where);
      const first = once.relay.of("part 0");
      assert.ok(where === "create" || !first[0].subarray(0, 4096).equals(first.at(-1).subarray(0, 4096)), where);
      const always = await send({ fault: (name) => (name === where ? how() : null) });
      expectNothing(always, "abandoned");
      assert.equal(always.relay.count("create"), 3, where);
    }
  },

  async a_relay_that_was_restarted_with_nothing_gets_another_upload() {
    let relay;
    const done = await send({
      act: (_, its) => (relay = its),
      fault: (name, count) => (name === "part 2" && count === 0 ? void relay.shares.clear() : null),
    });
    expectSent(done);
    assert.equal(done.relay.count("create"), 2);
  },

  async another_tab_that_revokes_ends_the_upload() {
    const other = await visit();
    let after = null;
    const done = await send({
      fault: async (name, count) => {
        if (name !== "part 1" || count > 0) return null;
        const [kept] = other.outbox.list();
        after = await other.status.revoke(kept).catch((error) => error);
        return null;
      },
    });
    assert.equal(after.word, "aborted", after.stack);
    assert.equal(done.why, "revoked", done.sent.stack);
    assert.equal(done.relay.count("create"), 1);
  },

  async an_answer_to_another_tab_does_not_end_an_upload() {
    const other = await visit();
    const words = [];
    const done = await send({
      recipients: ["Anna", "Ben"],
      fault: async (name) => {
        // The first share waits by now, but its link is not shown before the second one does.
        if (name === "part 1") {
          for (const kept of other.outbox.list()) words.push((await other.status.ask(kept)).word);
          assert.deepEqual(new Set(other.outbox.list().map(({ state }) => state.word)), new Set(["uploading"]));
        }
        return null;
      },
    });
    expectSent(done);
    assert.ok(words.includes("waiting") && words.includes("uploading"), String(words));
    // A late answer does not turn a share that waits into an upload, which the next visit would revoke.
    const [{ kept }] = done.sent;
    other.outbox.note(kept.id, { ...kept.state, word: "uploading" });
    assert.equal(other.outbox.get(kept.id).state.word, "waiting");
    other.outbox.note(kept.id, { ...kept.state, word: "expired" });
    other.outbox.note(kept.id, { ...kept.state, word: "unknown" });
    assert.equal(other.outbox.get(kept.id).state.word, "expired");
  },

  async a_share_that_another_tab_revokes_before_the_relay_knows_it_is_not_shown() {
    const other = await visit();
    const done = await send({
      content: SMALL,
      fault: async (name) => {
        if (name === "deposit") assert.equal((await other.status.revoke(other.outbox.list()[0])).word, "unknown");
        return null;
      },
    });
    expectNothing(done, "revoked");
    assert.deepEqual(done.relay.states(), ["revoked"]);
  },

  async a_full_storage_keeps_no_older_state() {
    const { setItem } = Object.getPrototypeOf(localStorage);
    let isFull = false;
    Object.getPrototypeOf(localStorage).setItem = function (key, value) {
      if (isFull) throw new DOMException("full", "QuotaExceededError");
      setItem.call(this, key, value);
    };
    const done = await send({ content: SMALL, fault: (name) => (name === "deposit" ? void (isFull = true) : null) });
    assert.deepEqual(Object.keys(localStorage), []);
    isFull = false;
    expectSent(done);
  },

  async a_login_page_is_no_success() {
    for (const [where, content] of [["create", LARGE], ["part 1", LARGE], ["commit", LARGE], ["deposit", SMALL]]) {
      for (const status of [200, 201]) {
        const portal = (name, count) => (name === where && count < 2 ? html(status) : null);
        globalThis.isSecureContext = false;
        expectSent(await send({ content, fault: portal }));
        globalThis.isSecureContext = true;
        const done = await send({ content, fault: portal });
        expectNothing(done, "fronted");
      }
    }
    expectNothing(await send({ fault: (name) => (name === "about" ? html(200) : null) }), "fronted");
    expectNothing(await send({ fault: (name) => (name === "about" ? html(404) : null) }), "not-a-relay");
    expectNothing(await send({ fault: (name) => (name === "create" ? html(401) : null) }), "fronted");
    expectNothing(await send({ fault: (name) => (name === "create" ? answer(201, { v: 2 }) : null) }), "fronted");
  },

  async refusals_end_the_upload_and_nothing_is_left() {
    const refuse = (where, how) => send({ fault: (name) => (name === where ? how : null) });
    expectNothing(await refuse("create", problem(413, "too-large", { max: 7 })), "too-large", { max: 7 });
    expectNothing(await refuse("part 1", problem(413, "too-large", { max: 7 })), "too-large", { max: 7 });
    expectNothing(await refuse("part 1", html(413)), "too-large", { max: null });
    expectNothing(await refuse("create", problem(400, "too-long-lived", { max: 60 })), "too-long-lived", { max: 60 });
    expectNothing(await refuse("part 2", problem(507, "no-space")), "no-space", { max: null });
    expectNothing(await refuse("part 1", problem(403, "new-word")), "not-a-relay");
    const until = Math.floor(Date.now() / 1000) + 3600;
    const later = await refuse("create", problem(429, "slow-down", { limit: "shares" }, { "Retry-After": "3600" }));
    assert.ok(Math.abs(later.details.until - until) < 5);
    expectNothing(later, "slow-down", later.details);
    const soon = { "Retry-After": "2" };
    for (const how of [problem(429, "slow-down", {}, soon), problem(503, "busy"), problem(408, "timeout"), html(502)])
      expectSent(await send({ fault: (name, count) => (name === "part 1" && count < 3 ? how.clone() : null) }));
  },

  async a_wrong_token_is_forgotten() {
    const at = await visit();
    at.token.useToken(" a token ", true);
    assert.equal(at.token.currentToken(), "a token");
    assert.equal((await visit()).token.currentToken(), "a token");
    const done = await send({ at, fault: (name) => (name === "create" ? problem(401, "not-allowed") : null) });
    expectNothing(done, "not-allowed");
    assert.deepEqual(done.relay.log, ["about", "create"]);
    assert.equal(at.token.currentToken(), null);
    assert.equal((await visit()).token.currentToken(), null);
  },

  async a_token_comes_from_the_address_and_is_removed_there() {
    const { token } = await visit();
    let shown = null;
    globalThis.history = { state: null, replaceState: (_, __, url) => (shown = url) };
    globalThis.location = new URL("https://relay.example/base/send#token=a%2Fb%20%C3%BC");
    assert.ok(token.takeTokenFromAddress());
    assert.deepEqual([shown, token.currentToken()], ["https://relay.example/base/send", "a/b \u00fc"]);
    assert.deepEqual([Object.keys(localStorage), Object.keys(sessionStorage)], [[], ["share.token"]]);
    token.useToken("kept", true);
    assert.deepEqual([Object.keys(localStorage), Object.keys(sessionStorage)], [["share.token"], []]);
    globalThis.isSecureContext = false;
    token.useToken("not kept", true);
    assert.deepEqual([Object.keys(localStorage), Object.keys(sessionStorage)], [[], ["share.token"]]);
    globalThis.isSecureContext = true;
    token.forgetToken();
    // A refused one from an address does not take the kept one with it.
    token.useToken("kept", true);
    globalThis.location = new URL("https://relay.example/base/send#token=junk");
    token.takeTokenFromAddress();
    assert.equal(token.currentToken(), "junk");
    token.forgetToken("junk");
    assert.equal(token.currentToken(), "kept");
    token.forgetToken();
    for (const hash of ["", "#token=", "#token=%20", "#share1key"]) {
      globalThis.location = new URL(`https://relay.example/base/send${hash}`);
      assert.ok(!token.takeTokenFromAddress());
    }
    assert.equal(token.currentToken(), null);
    globalThis.location = new URL("https://relay.example/base/send");
  },

  async a_file_that_can_no_longer_be_read_ends_the_upload() {
    const bytes = new Uint8Array(20_000_000).fill(1);
    const content = [SMALL, await file("video", bytes)];
    const done = await send({
      content,
      fault: (name) => (name === "part 1" ? void writeFileSync(join(place, "video"), "cut") : null),
    });
    expectNothing(done, "unreadable", { item: 1 });
    assert.equal(done.relay.count("commit"), 0);
    assert.deepEqual(done.relay.states(), ["aborted"]);
    const hung = Object.assign(new Blob([bytes]), {});
    hung.slice = () => ({ size: 1, arrayBuffer: () => new Promise(() => {}) });
    const act = (sending) => setTimeout(() => void sending.cancel(), 20);
    expectNothing(await send({ content: hung, act }), "revoked");
  },

  async the_sender_cancels() {
    for (const where of ["about", "create", "part 1", "commit"]) {
      let sending;
      const done = await send({
        act: (its) => (sending = its),
        fault: (name, _, signal) => {
          if (name !== where) return null;
          setTimeout(() => void sending.cancel());
          return new Promise((_, end) => signal.addEventListener("abort", () => end(new TypeError("network error"))));
        },
      });
      expectNothing(done, "revoked");
      assert.equal(done.relay.count("DELETE") > 0, where !== "about", where);
    }
  },

  async without_a_network_the_next_visit_revokes() {
    let sending;
    let isCut = false;
    const done = await send({
      act: (its) => (sending = its),
      fault: (name) => {
        if (name === "part 1") isCut = true;
        if (name === "part 1") void sending.cancel();
        return isCut ? LOST() : null;
      },
    });
    assert.equal(done.why, "revoked");
    assert.deepEqual(done.kept.map(({ state }) => state.word), ["uploading"]);
    assert.deepEqual(done.relay.states(), ["uploading"]);
    done.relay.fault = () => null;
    // Its tab is still there, and is left alone.
    await done.at.status.sweep();
    const next = await visit();
    await next.status.sweep();
    assert.deepEqual(done.relay.states(), ["uploading"]);
    closeTabs();
    await next.status.sweep();
    assert.deepEqual([done.relay.states(), next.outbox.list()], [["aborted"], []]);
  },

  async a_page_that_is_left_revokes() {
    const done = await send({
      fault: (name) => (name === "part 1" ? void dispatchEvent(new Event("pagehide")) : null),
    });
    expectNothing(done, "revoked");
    assert.equal(done.relay.count("commit"), 0);
  },

  async a_relay_behind_an_old_proxy_gets_the_other_header() {
    const done = await send({ header: "authorization" });
    expectSent(done);
    assert.equal(done.relay.count("create"), 2);
    assert.equal(done.relay.count("part 1"), 1);
    expectSent(await send({ content: SMALL, header: "authorization" }));
  },

  async without_random_numbers_nothing_is_asked() {
    const { crypto } = globalThis;
    const at = await visit();
    Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
    const done = await send({ at });
    Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    expectNothing(done, "unsupported");
    assert.deepEqual(done.relay.log, []);
  },

  async only_a_right_receipt_proves_an_opening() {
    const { sent, relay, at } = await send({ content: SMALL });
    const [{ kept, link }] = sent;
    const read = at.link.readLink(link.split("#")[1]);
    const keys = at.secret.keysOf(read, new Uint8Array(32));
    const claimant = at.secret.claimantOf(keys.id, new Uint8Array(32));
    const receipt = text(at.secret.receiptOf(keys, claimant));
    const share = [...relay.shares.values()][0];
    const finished = (receipt) => {
      share.state = "finished";
      share.status = { claimed: 100, ended: 200, claimant: text(claimant), receipt };
    };
    const states = [];
    const following = at.status.follow(kept, (state) => states.push(state), new AbortController().signal);
    let polls = 0;
    relay.fault = (name) => {
      if (name !== "owner") return null;
      polls += 1;
      if (polls === 3) {
        share.state = "claimed";
        share.status = { claimed: 100, claimant: text(claimant), until: 300 };
      }
      if (polls === 5) finished(receipt);
      return polls === 2 || polls === 4 ? new Response(null, { status: 304 }) : null;
    };
    await following;
    const words = states.map(({ word, at }) => `${word} ${at}`);
    assert.deepEqual(words, ["waiting null", "claimed 100", "finished 200"]);
    assert.match(states[1].opener, /^[a-z]+ [a-z]+$/);
    assert.deepEqual([states[1].isProven, states[2].isProven, states[2].opener], [false, true, states[1].opener]);
    assert.deepEqual(at.outbox.get(kept.id).state, states[2]);
    finished(receipt.replace(/^./, (letter) => (letter === "A" ? "B" : "A")));
    assert.equal((await at.status.ask(kept)).isProven, false);
    finished(null);
    assert.equal((await at.status.ask(kept)).isProven, false);
    assert.equal((await at.status.revoke(kept)).word, "finished");
    relay.shares.clear();
    assert.equal((await at.status.ask(kept)).word, "unknown");
  },

  async a_proxy_that_drops_the_wait_is_not_asked_without_end() {
    for (const how of [() => new Response(null, { status: 304 }), () => null]) {
      const { sent, relay, at } = await send({ content: SMALL });
      const stop = new AbortController();
      relay.fault = (_, count) => (count > 0 ? how() : null);
      const states = [];
      const following = at.status.follow(sent[0].kept, ({ word }) => states.push(word), stop.signal);
      await new Promise((go) => setTimeout(go, 300));
      stop.abort();
      await following;
      assert.deepEqual([relay.count("owner"), states], [2, ["waiting"]]);
    }
  },

  async many_shares_are_followed_by_two_requests_at_a_time() {
    const { sent, relay, at } = await send({ content: SMALL, recipients: ["a", "b", "c", "d", "e"] });
    const stop = new AbortController();
    relay.most = 0;
    const seen = new Set();
    const enough = new Promise((resolve) => {
      for (const { kept } of sent)
        void at.status.follow(kept, () => (seen.add(kept.recipient), seen.size === 5 && resolve()), stop.signal);
    });
    await enough;
    stop.abort();
    assert.equal(relay.most, 2);
  },
};

for (const [name, scenario] of Object.entries(scenarios)) {
  if (process.argv[3] !== undefined && !name.includes(process.argv[3])) continue;
  for (const store of [localStorage, sessionStorage]) for (const key of Object.keys(store)) store.removeItem(key);
  try {
    const late = setTimeout(() => assert.fail(`${name} takes too long`), 20_000);
    const start = performance.now();
    await scenario();
    if (process.env.TIMES) console.error(name, Math.round(performance.now() - start));
    clearTimeout(late);
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  closeTabs();
}
console.log("held");
process.exit(0);
