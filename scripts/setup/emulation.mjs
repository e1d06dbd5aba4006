/**
 * Set-up, third part, for profiles that build images of other architectures: the kernel runs their programs through
 * QEMU only when binfmt_misc is mounted and Debian's formats are registered in it. An init system does both at boot; a
 * container has none.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const FORMATS = "/proc/sys/fs/binfmt_misc";

/** Does nothing where it is done already, and where it cannot be done: then the tests name what they miss. */
export function ensureEmulation() {
  if (process.getuid() !== 0 || !existsSync(FORMATS)) return;
  if (!existsSync(`${FORMATS}/register`)) spawnSync("mount", ["-t", "binfmt_misc", "binfmt_misc", FORMATS]);
  if (!existsSync(`${FORMATS}/register`)) return;
  const foreign = process.arch === "arm64" ? "qemu-x86_64" : "qemu-aarch64";
  if (!existsSync(`${FORMATS}/${foreign}`)) spawnSync("update-binfmts", ["--enable", foreign]);
}
