// Descriptors that Slipway's own parent left open and every child would get: a directory among them leads out of the root.
import { readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;
/** More than a shell gives names to; those above are left to the limits of this process. */
const MAX_DESCRIPTOR = 4096;

/** Numbers above standard error that a child inherits. */
export function inheritedDescriptors(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd > 2 && fd < MAX_DESCRIPTOR && isInherited(fd));
}

function isInherited(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // The one that the list was read with.
    return false;
  }
}

/** `stdio` of a child that gets these and, in the place of what it would inherit, `substitute`. */
export function closedStdio<T>(stdio: readonly T[], inherited: readonly number[], substitute: T): (T | "ignore")[] {
  const length = Math.max(stdio.length, ...inherited.map((fd) => fd + 1));
  return Array.from({ length }, (_, fd) => stdio[fd] ?? (inherited.includes(fd) ? substitute : "ignore"));
}
