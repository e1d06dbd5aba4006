import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withFileLock } from "./lock.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-lock-"));
  path = join(directory, "lock");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("withFileLock", () => {
  it("lets one change run at a time and leaves nothing", async () => {
    let running = 0;
    let most = 0;
    const change = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await sleep(1);
      running--;
    };
    await Promise.all([1, 2, 3, 4].map(() => withFileLock(path, change)));
    expect(most).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("releases when the change fails", async () => {
    await expect(withFileLock(path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withFileLock(path, () => Promise.resolve("yes"))).toBe("yes");
  });

  it("waits for a live owner, then says who holds it", async () => {
    writeFileSync(path, `${process.pid} ${readlinkSync("/proc/self/ns/pid")} 00\n`);
    await expect(withFileLock(path, () => Promise.resolve(), { timeoutMs: 20 })).rejects.toMatchObject({
      code: "LOCKED",
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
    expect(readFileSync(path, "latin1")).toContain(String(process.pid));
  });

  it("takes over from a dead owner, and from one in another namespace when its lock is old", async () => {
    writeFileSync(path, `4194305 ${readlinkSync("/proc/self/ns/pid")} 00\n`);
    expect(await withFileLock(path, () => Promise.resolve(1))).toBe(1);
    writeFileSync(path, "1 pid:[0] 00\n");
    await expect(withFileLock(path, () => Promise.resolve(2), { timeoutMs: 5 })).rejects.toMatchObject({
      code: "LOCKED",
    });
    utimesSync(path, 1000, 1000);
    expect(await withFileLock(path, () => Promise.resolve(2))).toBe(2);
  });

  it("tells the owner that it has lost the lock", async () => {
    const lost = withFileLock(path, async (lock) => {
      await lock.assertHeld();
      writeFileSync(path, "1 pid:[0] 00\n");
      await lock.assertHeld();
    });
    await expect(lost).rejects.toMatchObject({ code: "LOCKED" });
    expect(readFileSync(path, "latin1")).toBe("1 pid:[0] 00\n");
  });
});
