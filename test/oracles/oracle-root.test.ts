/** The root of newer judges itself: it lets programs at the folders they are given, and nothing that they do to it stays. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { oracleRoot, rootDirectory, runNewer } from "../support/oracle-root.ts";
import { oracle, tempDir } from "../support/tools.ts";

const PROVES = { proves: "newer judges see what we give them and do not disturb each other" };

describe("the oracle root", () => {
  oracle(
    oracleRoot,
    "is trixie, with our folders, and forgets what is written elsewhere",
    async () => {
      using folder = tempDir();
      const script =
        "grep -h VERSION_CODENAME /etc/os-release; echo kept > kept; echo lost | tee /lost /tmp/lost > /usr/lost";
      const { stdout } = await runNewer("sh", ["-c", script], { folders: [folder.path], cwd: folder.path });
      expect(stdout.trim()).toBe("VERSION_CODENAME=trixie");
      expect(readFileSync(folder.join("kept"), "utf8")).toBe("kept\n");
      const root = await rootDirectory();
      for (const path of ["lost", "usr/lost"]) expect(existsSync(join(root, path))).toBe(false);
      expect(readdirSync(join(root, "tmp"))).toEqual([]);
    },
    PROVES,
  );

  oracle(
    oracleRoot,
    "leaves no process and no mount when a program is stopped",
    async () => {
      using folder = tempDir();
      const script = 'echo $$ > "$0"; exec sleep 1000';
      const options = { folders: [folder.path], timeoutMs: 2000 };
      await expect(runNewer("sh", ["-c", script, folder.join("pid")], options)).rejects.toThrow("ran longer");
      expect(existsSync(`/proc/${readFileSync(folder.join("pid"), "utf8").trim()}`)).toBe(false);
      expect(readFileSync("/proc/mounts", "utf8")).not.toContain(await rootDirectory());
    },
    PROVES,
  );
});
