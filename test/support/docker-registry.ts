/** Debian's docker-registry, the one that most people run: on a free port of loopback. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { start } from "../../src/base/process/index.ts";
import { findTool } from "./tools.ts";

export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly pid: number | undefined;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** All it keeps is below `directory`, which must be there. `htpasswd`: a file of its users; without it everybody may all. */
export async function startDockerRegistry(directory: string, htpasswd?: string): Promise<DockerRegistry> {
  const host = `127.0.0.1:${await freePort()}`;
  const settings = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "data") }, delete: { enabled: true } },
    ...(htpasswd === undefined ? {} : { auth: { htpasswd: { realm: "test", path: htpasswd } } }),
    http: { addr: host },
  };
  const path = join(directory, "config.yml");
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(settings));
  const child = start(findTool("docker-registry") ?? "docker-registry", ["serve", path], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  for (let tries = 0; tries < 100; tries++) {
    if (await fetch(`http://${host}/v2/`).catch(() => undefined))
      return { host, pid: child.pid, kill, [Symbol.asyncDispose]: kill };
    await sleep(100);
  }
  await kill();
  throw new Error("docker-registry does not answer");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
