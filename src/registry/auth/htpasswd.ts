// Users of an htpasswd file, bcrypt only (`htpasswd -B`), as Docker's registry has it: the older forms can be broken by
// guessing. Checking costs tens of milliseconds by design, so a right answer is remembered for a while.
import { createHmac, randomBytes } from "node:crypto";
import { RegistryServerError, RequestError } from "../error.ts";
import { BcryptThread } from "./bcrypt.ts";

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const USER = /^[^\s:*]{1,255}$/;
/** 2^14 rounds take seconds. */
const MAX_COST = 14;
const MAX_USERS = 10_000;
/** The name that permissions use for clients without credentials. */
export const ANONYMOUS = "anonymous";

const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1000;
const MAX_WAITING = 32;

/** Hashes by user. `document` names the file in messages. Throws RegistryServerError BAD_HTPASSWD. */
export function parseHtpasswd(text: string, document: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  text.split("\n").forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return;
    const colon = line.indexOf(":");
    const user = line.slice(0, Math.max(colon, 0));
    const hash = line.slice(colon + 1);
    const where = `cannot read ${document}, line ${index + 1}`;
    if (!USER.test(user) || user === ANONYMOUS)
      throw new RegistryServerError("BAD_HTPASSWD", `${where}: want USER:HASH, USER other than ${ANONYMOUS}`);
    const cost = Number(BCRYPT.exec(hash)?.[1] ?? Number.NaN);
    if (!(cost >= 4 && cost <= MAX_COST))
      throw new RegistryServerError(
        "BAD_HTPASSWD",
        `${where}: the password is no bcrypt hash of cost 4 to ${MAX_COST}`,
        {
          hint: "Make it with `htpasswd -B`",
        },
      );
    users.set(user, hash);
  });
  if (users.size === 0 || users.size > MAX_USERS)
    throw new RegistryServerError(
      "BAD_HTPASSWD",
      `cannot read ${document}: ${users.size} users, want 1 to ${MAX_USERS}`,
    );
  return users;
}

export class Passwords {
  readonly #users: ReadonlyMap<string, string>;
  readonly #now: () => number;
  /** Keyed digests of right credentials: until when they are believed. */
  readonly #remembered = new Map<string, number>();
  /** A tool opens several connections at once, all with the same password. */
  readonly #checking = new Map<string, Promise<boolean>>();
  readonly #key = randomBytes(32);
  readonly #someHash: string;
  readonly #bcrypt = new BcryptThread();

  constructor(users: ReadonlyMap<string, string>, now: () => number) {
    this.#users = users;
    this.#someHash = [...users.values()][0] ?? "";
    this.#now = now;
  }

  /** Throws TOOMANYREQUESTS when too many are being checked already. */
  async verify(user: string, password: string): Promise<boolean> {
    const token = createHmac("sha256", this.#key)
      .update(JSON.stringify([user, password]))
      .digest("hex");
    if ((this.#remembered.get(token) ?? 0) > this.#now()) return true;
    const running = this.#checking.get(token);
    if (running !== undefined) return await running;
    const checking = this.#check(user, password).finally(() => this.#checking.delete(token));
    this.#checking.set(token, checking);
    const isRight = await checking;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    if (isRight) this.#remembered.set(token, this.#now() + REMEMBER_MS);
    return isRight;
  }

  close(): Promise<void> {
    return this.#bcrypt.close();
  }

  async #check(user: string, password: string): Promise<boolean> {
    if (this.#bcrypt.waiting >= MAX_WAITING)
      throw new RequestError("TOOMANYREQUESTS", "cannot check more passwords at once", {
        headers: { "Retry-After": "1" },
      });
    // For a user that is not there the answer takes as long.
    const hash = this.#users.get(user);
    const isRight = await this.#bcrypt.compare(password, hash ?? this.#someHash);
    return isRight && hash !== undefined;
  }
}
