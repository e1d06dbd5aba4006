/** Upgrade and rollback of a running machine by real ostree: the commit comes from a repository that real ostree made. */
import { createReadStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join, normalize } from "node:path";
import { expect } from "vitest";
import type { Vm } from "../../src/vm/index.ts";
import { extractPartition, mountImage } from "./disk.ts";
import { run, type TempFolder } from "./tools.ts";

export interface UpgradeInput {
  readonly vm: Vm;
  /** The raw disk that the machine runs from. */
  readonly disk: string;
  readonly folder: TempFolder;
  /** The deployed commit. */
  readonly commit: string;
  readonly bootMs: number;
}

/** Upgrades to a commit with one file more, boots it, goes back, boots the first again. */
export async function upgradeAndRollBack({ vm, disk, folder, commit, bootMs }: UpgradeInput): Promise<void> {
  const ask = async (command: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await vm.exec(command);
    expect(exitCode, `${command}\n${stdout}${stderr}`).toBe(0);
    return stdout.trim();
  };
  const booted = "ostree admin status | sed -n 's/^\\* //p'";
  const origin = `/sysroot/ostree/deploy/default/deploy/${commit}.0.origin`;
  await using server = await serveUpgrade(folder, disk, commit);
  await ask(`ostree remote add --no-gpg-verify test http://10.0.2.2:${server.port}`);
  // Ours names a container image, which this ostree cannot pull.
  await ask(`unshare -m sh -c 'mount -o remount,rw /sysroot && printf "[origin]\\nrefspec=test:next\\n" > ${origin}'`);
  await ask("echo kept > /etc/kept && ostree admin upgrade");
  await vm.reboot({ timeoutMs: bootMs });
  expect(await ask(booted)).toBe(`default ${server.commit}.0`);
  expect(await ask("cat /usr/lib/upgraded /etc/kept")).toBe("yes\nkept");
  // Older ostree has no set-default; it deploys the commit once more.
  await ask(`ostree admin set-default 1 || ostree admin deploy --os=default ${commit}`);
  await vm.reboot({ timeoutMs: bootMs });
  expect(await ask(booted)).toMatch(new RegExp(`^default ${commit}\\.[01]$`));
  expect((await vm.exec("test -e /usr/lib/upgraded")).exitCode).toBe(1);
}

/** An archive repository over HTTP with a commit on top of ours that has one file more; made by real ostree. */
async function serveUpgrade(
  folder: TempFolder,
  disk: string,
  commit: string,
): Promise<AsyncDisposable & { readonly port: number; readonly commit: string }> {
  const repo = folder.join("upgrade-repo");
  const extra = folder.join("upgrade-tree");
  await mkdir(join(extra, "usr", "lib"), { recursive: true });
  await writeFile(join(extra, "usr", "lib", "upgraded"), "yes\n");
  await run("ostree", ["init", `--repo=${repo}`, "--mode=archive"]);
  const copy = folder.join("before-upgrade");
  await mkdir(copy);
  using work = { path: copy, join: (...parts: string[]) => join(copy, ...parts), [Symbol.dispose]: () => undefined };
  const image = await extractPartition(disk, "root", work);
  {
    // The disk is in use: its journal is replayed on the copy.
    await using mounted = await mountImage(image, work, "rw");
    await run("ostree", ["pull-local", `--repo=${repo}`, `${mounted.path}/ostree/repo`, commit]);
  }
  await run("ostree", ["refs", `--repo=${repo}`, "--create=base", commit]);
  const { stdout } = await run("ostree", [
    "commit",
    `--repo=${repo}`,
    "-b",
    "next",
    "--parent=none",
    "--tree=ref=base",
    `--tree=dir=${extra}`,
  ]);
  await run("ostree", ["summary", `--repo=${repo}`, "-u"]);
  const server = await serveFolder(repo);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    commit: stdout.trim(),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

function serveFolder(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const path = join(folder, normalize(`/${decodeURIComponent((request.url ?? "/").split("?")[0] ?? "/")}`));
    stat(path).then(
      (found) => {
        if (!found.isFile()) return response.writeHead(404).end();
        response.writeHead(200, { "content-length": found.size });
        return createReadStream(path).pipe(response);
      },
      () => response.writeHead(404).end(),
    );
  });
  return new Promise((resolve) => void server.listen(0, "127.0.0.1", () => resolve(server)));
}
