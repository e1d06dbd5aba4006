// Uploads that registries keep open, remembered in files so that a process after this one goes on where this one was
// killed. One file an upload, of 0600: its address may hold a token. Only one process has an upload: what a live process
// of this machine has written is left alone, as is what a process of another PID namespace has.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseJson } from "../../base/json.ts";
import { ownerState, ownerText, writeFileAtomic } from "../../base/io/index.ts";
import { parseHttpUrl } from "./origin.ts";
import type { Upload } from "./upload.ts";

/** Registries clean up after days, most of them. */
const MAX_AGE_MS = 24 * 3_600_000;
const MAX_FILE_BYTES = 64 * 1024;

export class OpenUploads {
  readonly #directory: string;
  readonly #now: () => number;
  /** Under way in this process. */
  readonly #active = new Set<string>();

  /** `now`: milliseconds since 1970. */
  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** What a process that is gone has left of this blob; from now on it is ours. Never throws: then there is none. */
  async take(key: string): Promise<Upload | undefined> {
    const name = fileName(key);
    if (this.#active.has(name)) return undefined;
    this.#active.add(name);
    try {
      await this.#sweep();
      const path = join(this.#directory, name);
      if ((await stat(path)).size > MAX_FILE_BYTES) return undefined;
      const text = await readFile(path, "utf8");
      const { location, minChunkBytes, owner } = parseJson(text) as Partial<Record<string, unknown>>;
      const isLeft = owner === ownerText() || (typeof owner === "string" && ownerState(owner) === "gone");
      const url = typeof location === "string" ? parseHttpUrl(location) : undefined;
      if (!isLeft || url === undefined || !Number.isSafeInteger(minChunkBytes)) return undefined;
      // Of two who come at once one gets it.
      await rename(path, `${path}.${process.pid}`);
      await rm(`${path}.${process.pid}`);
      const upload = { location: url, minChunkBytes: minChunkBytes as number };
      await this.keep(key, upload);
      return upload;
    } catch {
      return undefined;
    }
  }

  /** The upload as it is now. A store that cannot be written to remembers nothing. */
  async keep(key: string, { location, minChunkBytes }: Upload): Promise<void> {
    const record = JSON.stringify({ location: location.href, minChunkBytes, owner: ownerText() });
    await mkdir(this.#directory, { recursive: true, mode: 0o700 }).catch(() => undefined);
    const path = join(this.#directory, fileName(key));
    await writeFileAtomic(path, Buffer.from(record), { mode: 0o600 }).catch(() => undefined);
  }

  /** It came to its end, or cannot. */
  async forget(key: string): Promise<void> {
    await rm(join(this.#directory, fileName(key)), { force: true }).catch(() => undefined);
  }

  /** This process has stopped trying. */
  release(key: string): void {
    this.#active.delete(fileName(key));
  }

  async #sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (this.#now() - (await stat(path)).mtimeMs > MAX_AGE_MS) await rm(path, { force: true });
    }
  }
}

function fileName(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
