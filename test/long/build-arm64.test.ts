/** RUN steps of another architecture: an arm64 Debian under qemu-user, and both architectures in one index. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { arm64Runs, debianBase, debianThere, unpackBase } from "../support/build-bases.ts";
import { succeeded, Workbench } from "../support/build-workbench.ts";
import { missingOf, oracle } from "../support/tools.ts";

const NEEDS = [debianThere, arm64Runs, "qemu-aarch64-static"];
const FORMATS = "/proc/sys/fs/binfmt_misc";
const proves = "images of other architectures build here";

let bench: Workbench;

const formats = (): string[] => (existsSync(FORMATS) ? readdirSync(FORMATS).toSorted() : []);

beforeAll(async () => {
  if (missingOf(NEEDS).length > 0) return;
  bench = await Workbench.make({
    "localhost/debian:amd64": `oci:${await debianBase("amd64")}:1`,
    "localhost/debian:arm64": `oci:${await debianBase("arm64")}:1`,
  });
});

afterAll(() => bench?.[Symbol.dispose]());

describe("an arm64 image", () => {
  oracle(
    NEEDS,
    "runs its steps under qemu-user and leaves no handler behind",
    async () => {
      const before = formats();
      const lines = [
        "FROM localhost/debian:arm64",
        "ARG TARGETARCH",
        'RUN test "$(uname -m)" = aarch64 && test "$(dpkg --print-architecture)" = arm64 && echo "$TARGETARCH" > /architecture',
        "RUN mkdir /d && cp -a /etc/passwd /d/ && chown 1:2 /d/passwd && useradd --system built && id built > /id",
        `RUN perl -e 'rename("/usr/share/doc", "/usr/share/documentation") or die "rename: $!"'`,
      ];
      const args = ["--platform", "linux/arm64"];
      succeeded(await bench.build({ Containerfile: lines.join("\n") }, "localhost/arm:1", { args }));
      const { config } = await bench.image("localhost/arm:1");
      expect(config.platform.architecture).toBe("arm64");
      expect(formats()).toEqual(before);
    },
    { proves },
  );

  oracle(
    NEEDS,
    "is built beside amd64, in one index",
    async () => {
      const lines = [
        "FROM localhost/debian:$TARGETARCH",
        "RUN uname -m > /machine && dpkg --print-architecture >> /machine && useradd --system built",
        "FROM scratch",
        "COPY --from=0 /machine /etc/passwd /",
      ];
      const args = ["--platform", "linux/amd64,linux/arm64"];
      succeeded(await bench.build({ Containerfile: lines.join("\n") }, "localhost/both:1", { args }));
      const listed = await bench.run(["inspect", "--raw", "localhost/both:1"]);
      const { manifests } = JSON.parse(listed.stdout) as Index;
      expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
      for (const [architecture, machine] of [
        ["amd64", "x86_64\namd64\n"],
        ["arm64", "aarch64\narm64\n"],
      ] as const) {
        const layout = bench.folder.join(architecture);
        const one = ["copy", "--platform", `linux/${architecture}`, "localhost/both:1", `oci:${layout}:1`];
        succeeded(await bench.run(one));
        const files = bench.folder.join(`${architecture}-files`);
        await unpackBase(layout, files);
        expect(readFileSync(`${files}/machine`, "utf8")).toBe(machine);
        expect(readFileSync(`${files}/passwd`, "utf8")).toContain("built:");
      }
    },
    { proves },
  );
});

interface Index {
  readonly manifests: readonly { readonly platform: { readonly architecture: string } }[];
}
