/** Where RUN works: as root, as an ordinary user with and without subordinate ids, in a container with default options. */
import { execPath } from "node:process";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  busyboxBase,
  busyboxDiffId,
  busyboxThere,
  debianBase,
  debianThere,
  unpackBase,
} from "../support/build-bases.ts";
import { differences } from "../support/build-differences.ts";
import { asUser, inPodman } from "../support/build-places.ts";
import { succeeded, Workbench } from "../support/build-workbench.ts";
import { missingOf, oracle, run } from "../support/tools.ts";

const ROOT = dirname(dirname(import.meta.dirname));
const CONTAINERFILE = `FROM localhost/base:1
COPY --chown=app a.txt /owned
RUN echo new > /new && chown 1000:29 /new && mkdir -m 1777 /open && touch -d @1400000000 /old && id -u > /uid
RUN mv /srv/old /srv/renamed && rm -r /srv/opaque && chmod 4755 /bin/busybox && ln /new /again
USER app
RUN id > /tmp/id && echo mine > /home/app/mine
`;
const proves = "RUN needs no root and no privileged container";

let bench: Workbench;

beforeAll(async () => {
  if (missingOf(busyboxThere).length > 0) return;
  bench = await Workbench.make({ "localhost/base:1": `oci:${await busyboxBase()}:1` });
  succeeded(await bench.build({ Containerfile: CONTAINERFILE, "a.txt": "a\n" }, "localhost/by-root:1"));
});

afterAll(() => bench?.[Symbol.dispose]());

async function sameAsByRoot(name: string): Promise<void> {
  const base = await busyboxDiffId();
  expect(differences(await bench.list(name, base), await bench.list("localhost/by-root:1", base))).toEqual([]);
}

describe("a build", () => {
  oracle(
    [busyboxThere, "newuidmap", "setpriv"],
    "by a user with 65,536 subordinate ids makes what root makes",
    async () => {
      const context = bench.context({ Containerfile: CONTAINERFILE, "a.txt": "a\n" });
      const under = await asUser(bench.folder.path);
      succeeded(await bench.build({}, "localhost/by-user:1", { context, args: ["--no-cache"], under }));
      await sameAsByRoot("localhost/by-user:1");
    },
    { proves },
  );

  oracle(
    [busyboxThere, "setpriv"],
    "by a user with one id goes well until something changes an owner, and then names the cure",
    async () => {
      const fine = bench.context({ Containerfile: "FROM scratch\nCOPY busybox /bin/sh\nRUN echo fine > /fine\n" });
      await run("cp", ["/bin/busybox", join(fine, "busybox")]);
      const owner = bench.context({
        Containerfile:
          "FROM scratch\nCOPY busybox /bin/sh\nRUN echo x > /x && /bin/sh -c 'exec -a chown /bin/sh 5:6 /x'\n",
      });
      await run("cp", ["/bin/busybox", join(owner, "busybox")]);
      const under = await asUser(bench.folder.path, 0);
      succeeded(await bench.build({}, "localhost/one-id:1", { context: fine, under }));
      const outcome = await bench.build({}, "localhost/one-id:2", { context: owner, under });
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stderr).toMatch(/subuid|subordinate/);
    },
    { proves },
  );

  oracle(
    [busyboxThere, debianThere, "podman", "runc"],
    "in a container of podman with default options makes what root makes",
    async () => {
      const system = bench.folder.join("system");
      const context = bench.context({ Containerfile: CONTAINERFILE, "a.txt": "a\n" });
      await unpackBase(await debianBase(), system);
      const store = bench.folder.join("store");
      const under = inPodman(system, [ROOT, dirname(dirname(execPath)), context, store], bench.folder.join("podman"));
      succeeded(await bench.build({}, "localhost/in-podman:1", { context, args: ["--no-cache"], under }));
      await sameAsByRoot("localhost/in-podman:1");
    },
    { proves },
  );
});
