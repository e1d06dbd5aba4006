// Whose a file or directory is: a process, named so that its number may come back and that other containers are told
// apart. What the dead have left can then be removed by anybody.
import { readFileSync, readlinkSync } from "node:fs";

export type OwnerState = "alive" | "gone" | "unknown";

/** Text that names this process. */
export function ownerText(): string {
  return identity(process.pid);
}

/** "unknown": of another PID namespace (a container), which cannot be asked; or not written yet. */
export function ownerState(text: string): OwnerState {
  const [pid = "", namespace] = text.split(" ");
  if (text === "" || namespace !== pidNamespace()) return "unknown";
  return identity(Number(pid)) === text ? "alive" : "gone";
}

/** Numbers of processes come back: the time of start tells one process from another. */
function identity(pid: number): string {
  return `${pid} ${pidNamespace()} ${startTime(pid)}`;
}

function startTime(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Field 22, counted after the command's name, which may hold anything (proc(5)).
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "unknown";
  } catch {
    return "gone";
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "unknown";
  }
}
