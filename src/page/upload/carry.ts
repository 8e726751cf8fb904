// Requests that report how much of their body was sent: `fetch` does not.

/** The longest answer, in bytes: more than that of any request with a long body. */
const MAX_ANSWER = 64 * 1024;
const NAMES = ["Content-Type", "Retry-After"];

/** Takes a request in place of `fetch`. */
export type Carry = (url: URL, request: RequestInit) => Promise<Response>;

/** Whether this engine can do so: all browsers. */
export const CAN_CARRY = typeof XMLHttpRequest === "function";

/** Sends requests by `XMLHttpRequest`. `moved` is called with the bytes of the body that were handed to the system. */
export function carrying(moved: (bytes: number) => void): Carry {
  return (url, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const fail = () => reject(new TypeError("network error"));
      request.open(method!, url);
      request.responseType = "arraybuffer";
      for (const [name, value] of Object.entries(headers as Record<string, string>))
        request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded }) => moved(loaded);
      request.onprogress = ({ loaded }) => {
        if (loaded > MAX_ANSWER) request.abort();
      };
      request.onerror = request.onabort = request.ontimeout = fail;
      request.onload = () => {
        try {
          resolve(answer(request, url));
        } catch {
          // A status that no response can have.
          fail();
        }
      };
      if (signal!.aborted) return fail();
      signal!.addEventListener("abort", () => request.abort());
      request.send(body as XMLHttpRequestBodyInit);
    });
}

/** The answer as `fetch` gives it, which hides that of a redirect. `XMLHttpRequest` has followed it. */
function answer(request: XMLHttpRequest, url: URL): Response {
  if (request.responseURL !== url.href) return Response.error();
  const headers = NAMES.flatMap((name) => {
    const value = request.getResponseHeader(name);
    return value === null ? [] : [[name, value] as [string, string]];
  });
  const body = (request.response as ArrayBuffer).byteLength === 0 ? null : (request.response as ArrayBuffer);
  return new Response(body, { status: request.status, headers });
}
