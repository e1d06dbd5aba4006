// The near side of bcrypt.worker.ts: one thread, started with the first question.
import { Worker } from "node:worker_threads";
import type { Answer, Question } from "./bcrypt.worker.ts";

/** The sources run as they are; the build puts workers beside what it makes of them. */
const WORKER: URL = new URL(`./bcrypt.worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);

interface Asked {
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: Error) => void;
}

export class BcryptThread {
  #worker: Worker | undefined;
  #lastId = 0;
  readonly #asked = new Map<number, Asked>();

  /** Questions that wait for their answers. */
  get waiting(): number {
    return this.#asked.size;
  }

  compare(password: string, hash: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#asked.set(id, { resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id, password, hash } satisfies Question);
    });
  }

  /** Ends the thread: it would keep the process alive. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #start(): Worker {
    const worker = new Worker(WORKER);
    worker.on("message", ({ id, isRight }: Answer) => {
      this.#asked.get(id)?.resolve(isRight);
      this.#asked.delete(id);
    });
    worker.on("error", (error: Error) => {
      for (const { reject } of this.#asked.values()) reject(error);
      this.#asked.clear();
      this.#worker = undefined;
    });
    return worker;
  }
}
