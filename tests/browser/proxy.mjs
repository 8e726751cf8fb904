// An HTTP proxy that connects to loopback only. Firefox uses it to resolve test names and to stay off the network;
// WebKit also uses it to record, answer and break requests, which WebDriver cannot do.

import http from "node:http";
import { createHash } from "node:crypto";

/**
 * `hosts` maps names to addresses. The proxy records requests in `requests`, serves `answers` in the relay's place, and
 * breaks every connection while `offline`. It inserts the script `before` at the start of every page.
 */
export async function startProxy(hosts, before = null) {
  const proxy = { requests: [], answers: [], offline: false, address: "" };
  const sockets = new Set();
  const server = http.createServer((asked, answer) => {
    let url;
    try {
      url = new URL(asked.url);
    } catch {
      return asked.destroy();
    }
    const upstream = new URL(`http://${hosts.get(url.hostname) ?? url.host}`);
    if (proxy.offline || !/^(127\.|localhost$|\[::1\]$)/.test(upstream.hostname)) return asked.destroy();
    const entry = { method: asked.method, url: url.href, body: "", headers: asked.headers };
    proxy.requests.push(entry);
    asked.on("data", (bytes) => (entry.body += bytes.toString("latin1")));
    const stand = proxy.answers.find(({ path }) => url.pathname.endsWith(path));
    if (stand) {
      asked.resume();
      answer.writeHead(stand.status, { "content-type": stand.type ?? "application/problem+json" });
      return answer.end(stand.body);
    }
    const headers = { ...asked.headers };
    delete headers["proxy-connection"];
    if (before !== null) delete headers["accept-encoding"];
    const { hostname, port } = upstream;
    const options = {
      hostname: hostname.replace(/[[\]]/g, ""),
      port: port || 80,
      method: asked.method,
      path: url.pathname + url.search,
      headers,
      agent: false,
    };
    const onward = http.request(options, (found) => {
      const isPage = before !== null && found.headers["content-type"]?.startsWith("text/html");
      if (isPage)
        void collect(found).then(
          (page) => withScript(found, page, before, answer),
          () => answer.destroy(),
        );
      else {
        answer.writeHead(found.statusCode, found.headers);
        found.pipe(answer);
        found.on("error", () => answer.destroy());
        found.on("aborted", () => answer.destroy());
      }
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    asked.pipe(onward);
  });
  server.on("connect", (_, socket) => socket.destroy());
  server.on("connection", (socket) => {
    if (proxy.offline) socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.address = `127.0.0.1:${server.address().port}`;
  proxy.cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  proxy.stop = () => {
    server.close();
    proxy.cut();
  };
  return proxy;
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Inserts a script at the start of a page and allows it in the page's Content-Security-Policy. */
function withScript(found, page, script, answer) {
  const headers = { ...found.headers };
  const hash = `'sha256-${createHash("sha256").update(script).digest("base64")}'`;
  const policy = headers["content-security-policy"];
  if (policy) headers["content-security-policy"] = policy.replace(/script-src /, `script-src ${hash} `);
  delete headers["content-length"];
  delete headers["transfer-encoding"];
  answer.writeHead(found.statusCode, headers);
  answer.end(page.replace(/<head>/, () => `<head><script>${script}</script>`));
}
