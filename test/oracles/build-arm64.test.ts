/** RUN steps of arm64 Debian's own programs under qemu-user, alone and beside another architecture; test/long has a whole Debian. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { buildForArm64 } from "../support/build-arm64.ts";
import { busyboxBase, busyboxThere, debianThere, unpackBase, unpackedArm64Base } from "../support/build-bases.ts";
import { succeeded, Workbench } from "../support/build-workbench.ts";
import { missingOf, oracle } from "../support/tools.ts";

const NEEDS = [busyboxThere, debianThere, "qemu-aarch64-static"];
const proves = "images of other architectures build here";

let bench: Workbench;

beforeAll(async () => {
  if (missingOf(NEEDS).length > 0) return;
  const bases = { amd64: await busyboxBase(), arm64: await unpackedArm64Base() };
  bench = await Workbench.make(
    Object.fromEntries(Object.entries(bases).map(([name, layout]) => [`localhost/base:${name}`, `oci:${layout}:1`])),
  );
});

afterAll(() => bench?.[Symbol.dispose]());

describe("an arm64 image", () => {
  oracle(
    NEEDS,
    "runs its steps under qemu-user and leaves no handler behind",
    () =>
      buildForArm64(bench, [
        "FROM localhost/base:arm64",
        "ARG TARGETARCH",
        'RUN test "$(uname -m)" = aarch64 && test "$(dpkg --print-architecture)" = arm64 && echo "$TARGETARCH" > /architecture',
        "RUN mkdir /d && cp -a /etc/debian_version /d/ && chown 1:2 /d/debian_version && tar -cf /d.tar /d",
        `RUN perl -e 'rename("/usr/share/doc", "/usr/share/documentation") or die "rename: $!"'`,
        "USER 5:6",
        'RUN test "$(id -u):$(id -g)" = 5:6 && bash -c "exit 0"',
      ]),
    { proves },
  );

  oracle(
    NEEDS,
    "is built beside amd64, in one index",
    async () => {
      const lines = [
        "FROM localhost/base:$TARGETARCH",
        "RUN uname -m > /machine",
        "FROM scratch",
        "COPY --from=0 /machine /",
      ];
      const args = ["--platform", "linux/amd64,linux/arm64"];
      succeeded(await bench.build({ Containerfile: lines.join("\n") }, "localhost/both:1", { args }));
      const listed = await bench.run(["inspect", "--raw", "localhost/both:1"]);
      const { manifests } = JSON.parse(listed.stdout) as Index;
      expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
      for (const [architecture, machine] of Object.entries({ amd64: "x86_64", arm64: "aarch64" })) {
        const layout = bench.folder.join(architecture);
        const one = ["copy", "--platform", `linux/${architecture}`, "localhost/both:1", `oci:${layout}:1`];
        succeeded(await bench.run(one));
        await unpackBase(layout, `${layout}-files`);
        expect(readFileSync(`${layout}-files/machine`, "utf8")).toBe(`${machine}\n`);
      }
    },
    { proves },
  );
});

interface Index {
  readonly manifests: readonly { readonly platform: { readonly architecture: string } }[];
}
