// Logging in to a guest: a key made for one machine, handed over as a systemd credential, used by OpenSSH's client.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run, type RunResult } from "../base/process/index.ts";

export interface SshKey {
  readonly privateKeyPath: string;
  /** The line for authorized_keys. */
  readonly publicKey: string;
}

const INSTALL_HINT = "Install openssh-client";

export async function makeSshKey(directory: string): Promise<SshKey> {
  const privateKeyPath = join(directory, "ssh-key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "slipway-vm", "-f", privateKeyPath], {
    installHint: INSTALL_HINT,
  });
  return { privateKeyPath, publicKey: (await readFile(`${privateKeyPath}.pub`, "utf8")).trim() };
}

/**
 * The credentials that let a key in as root: systemd 254 and later have one for it; 252 makes the files by tmpfiles.d
 * lines. /root is a link into /var on image-mode systems, so the folder behind it is made too.
 */
export function sshCredentials(key: SshKey): Record<string, string> {
  const escaped = key.publicKey.replaceAll(" ", "\\x20");
  const lines = [
    "d /var/roothome 0700 root root -",
    "d /var/roothome/.ssh 0700 root root -",
    `f /var/roothome/.ssh/authorized_keys 0600 root root - ${escaped}`,
  ];
  return { "ssh.authorized_keys.root": key.publicKey, "tmpfiles.extra": `${lines.join("\n")}\n` };
}

export interface SshTarget {
  readonly key: SshKey;
  readonly port: number;
  /** Socket of the one connection that all commands share: a login costs an emulated guest many seconds. */
  readonly controlPath: string;
}

/** Runs a command line in the guest's shell. Any exit code of it is a result; 255 means ssh itself failed. */
export function sshRun(
  target: SshTarget,
  command: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<RunResult> {
  const args = [...connection(target), command];
  return run("ssh", args, {
    timeoutMs: options.timeoutMs,
    allowExit: Array.from({ length: 256 }, (_, code) => code),
    installHint: INSTALL_HINT,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** Ends the shared connection, if there is one; the next command logs in anew. */
export async function sshDisconnect(target: SshTarget): Promise<void> {
  await run("ssh", ["-O", "exit", ...connection(target)], { timeoutMs: 10_000 }).catch(() => undefined);
}

function connection({ key, port, controlPath }: SshTarget): string[] {
  const settings = [
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ControlMaster=auto",
    `ControlPath=${controlPath}`,
    "ControlPersist=yes",
  ].flatMap((setting) => ["-o", setting]);
  return ["-i", key.privateKeyPath, "-p", String(port), ...settings, "root@127.0.0.1"];
}
