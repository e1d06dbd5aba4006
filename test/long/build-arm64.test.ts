/** RUN steps of a whole arm64 Debian under qemu-user; test/oracles/build-arm64.test.ts does with its programs alone. */
import { afterAll, beforeAll, describe } from "vitest";
import { buildForArm64 } from "../support/build-arm64.ts";
import { arm64Runs, debianBase, debianThere } from "../support/build-bases.ts";
import { Workbench } from "../support/build-workbench.ts";
import { missingOf, oracle } from "../support/tools.ts";

const NEEDS = [debianThere, arm64Runs, "qemu-aarch64-static"];
const proves = "images of other architectures build here";

let bench: Workbench;

beforeAll(async () => {
  if (missingOf(NEEDS).length > 0) return;
  bench = await Workbench.make({ "localhost/debian:arm64": `oci:${await debianBase("arm64")}:1` });
});

afterAll(() => bench?.[Symbol.dispose]());

describe("an arm64 Debian", () => {
  oracle(
    NEEDS,
    "runs its steps under qemu-user and leaves no handler behind",
    () =>
      buildForArm64(bench, [
        "FROM localhost/debian:arm64",
        "ARG TARGETARCH",
        'RUN test "$(uname -m)" = aarch64 && test "$(dpkg --print-architecture)" = arm64 && echo "$TARGETARCH" > /architecture',
        "RUN mkdir /d && cp -a /etc/passwd /d/ && chown 1:2 /d/passwd && useradd --system built && id built > /id",
        "RUN apt-get install --yes --no-install-recommends less && less --version",
      ]),
    { proves },
  );
});
