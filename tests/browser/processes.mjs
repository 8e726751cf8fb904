// Programs that run beside the driver, and end with it, however it ends.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Starts a program that the kernel kills should the driver die without a word. */
export function run(program, args, env, stdio) {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", program, ...args], { env, stdio });
  child.on("error", () => {});
  return child;
}

/** The first match of `pattern` in what a stream says, before the program ends. */
export function said(child, stream, pattern) {
  return new Promise((resolve, reject) => {
    let text = "";
    stream.on("data", (bytes) => {
      text += bytes;
      const found = pattern.exec(text);
      if (found) resolve(found[1]);
    });
    child.on("close", () => reject(new Error(`it ended and said: ${text}`)));
  });
}

/** A process, its children and theirs: numbers and names, parents first. */
export function family(root) {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const [, comm, parent] = /\((.*)\) \S+ (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "latin1"));
      return [{ pid: Number(name), comm, parent: Number(parent) }];
    } catch {
      return [];
    }
  });
  const members = all.filter(({ pid }) => pid === root);
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member.pid));
  return members;
}

/** Kills a process with its children and theirs. */
export function end(root) {
  for (const { pid } of family(root)) kill(pid);
}

export function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
