// Child processes that never outlive the driver.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Starts a program that the kernel kills when the driver dies. */
export function run(program, args, env, stdio) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], { env, stdio });
  child.on("error", () => {});
  return child;
}

/** Resolves to the first match of `pattern` in a stream; rejects if the program ends first. */
export function printed(child, stream, pattern) {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.on("data", (bytes) => {
      text += bytes;
      const found = pattern.exec(text);
      if (found) resolve(found[1]);
    });
    child.on("close", () => reject(new Error(`it ended after printing: ${text}`)));
  });
}

/** Lists the ids of a process and its descendants, parents first. */
function family(root) {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, parent] = /\) \S+ (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "latin1"));
        return [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return [];
      }
    });
  const members = [root];
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member).map(({ pid }) => pid));
  return members;
}

/** Kills a process and its descendants. */
export function end(root) {
  for (const pid of family(root)) kill(pid);
}

export function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The process has ended already.
  }
}
