import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

/** Names the running system: another one after each boot. Random where the kernel does not tell it. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return `unknown-${randomBytes(16).toString("hex")}`;
  }
}
