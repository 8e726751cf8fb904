// An HTTP proxy on loopback that leads to loopback and nowhere else: for engines that cannot map a name to an address, or
// cannot tell or answer the requests of a page.

import http from "node:http";
import { createHash } from "node:crypto";

/**
 * `hosts` maps names to addresses. What goes through is noted in `requests`; `answers` stand in for what would be asked;
 * while `offline`, every connection breaks; `before` is run at the beginning of every page.
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
    const leadsTo = new URL(`http://${hosts.get(url.hostname) ?? url.host}`);
    if (proxy.offline || !/^(127\.|localhost$|\[::1\]$)/.test(leadsTo.hostname)) return asked.destroy();
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
    const { hostname, port } = leadsTo;
    const options = { hostname: hostname.replace(/[[\]]/g, ""), port: port || 80, method: asked.method, path: url.pathname + url.search, headers, agent: false };
    const further = http.request(options, (found) => {
      const isPage = before !== null && found.headers["content-type"]?.startsWith("text/html");
      if (isPage) void collect(found).then((page) => withScript(found, page, before, answer), () => answer.destroy());
      else {
        answer.writeHead(found.statusCode, found.headers);
        found.pipe(answer);
        found.on("error", () => answer.destroy());
        found.on("aborted", () => answer.destroy());
      }
    });
    further.on("error", () => answer.destroy());
    answer.on("close", () => further.destroy());
    asked.pipe(further);
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

/** Passes a page on with a script before everything else, which its policy is told of. */
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
