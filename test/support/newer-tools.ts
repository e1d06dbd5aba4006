/** The tools of the oracle root and ours, side by side: they run in one folder and keep all their state there. */
import { runNewer } from "./oracle-root.ts";
import { slipway } from "./slipway.ts";
import type { TempFolder } from "./tools.ts";

/** Resolves with what was printed; a command that fails rejects. */
export type Command = (...argv: readonly string[]) => Promise<string>;

export interface NewerTools {
  /** Without a signature policy. */
  readonly skopeo: Command;
  readonly enforcing: Command;
  readonly buildah: Command;
  readonly oras: Command;
  /** Keys have the password that slipway is told too. */
  readonly cosign: Command;
  readonly ours: Command;
}

/** `more` folders are visible to the tools too. Of plain registries each command is told. */
export function newerTools(folder: TempFolder, more: readonly string[] = []): NewerTools {
  const env = { HOME: folder.path, TMPDIR: folder.path, COSIGN_PASSWORD: "secret" };
  const command =
    (program: "skopeo" | "buildah" | "oras" | "cosign", ...first: readonly string[]): Command =>
    async (...argv) =>
      (await runNewer(program, [...first, ...argv], { folders: [folder.path, ...more], cwd: folder.path, env })).stdout;
  const storage = [`--root=${folder.join("graph")}`, `--runroot=${folder.join("run")}`, "--storage-driver=vfs"];
  return {
    skopeo: command("skopeo", "--insecure-policy"),
    enforcing: command("skopeo"),
    buildah: command("buildah", ...storage),
    oras: command("oras"),
    cosign: command("cosign"),
    ours: async (...argv) => {
      const outcome = await slipway(argv, { cwd: folder.path, env: { ...env, SLIPWAY_STORE: folder.join("store") } });
      if (outcome.exitCode !== 0) throw new Error(`slipway ${argv.join(" ")}: ${outcome.stderr}`);
      return outcome.stdout;
    },
  };
}
