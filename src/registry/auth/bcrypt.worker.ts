// Compares passwords with bcrypt hashes on a thread of its own: a server that did it on its only one would stand still
// while somebody guesses.
import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";

export interface Question {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

export interface Answer {
  readonly id: number;
  readonly isRight: boolean;
}

parentPort?.on("message", ({ id, password, hash }: Question) => {
  parentPort?.postMessage({ id, isRight: compareSync(password, hash) } satisfies Answer);
});
