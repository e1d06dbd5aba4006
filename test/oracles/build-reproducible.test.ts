/** The same Containerfile, context, base and epoch make the same digest wherever, whenever and whoever builds. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { busyboxBase, busyboxThere } from "../support/build-bases.ts";
import { CONTEXT_SECONDS, makeSharedContext } from "../support/build-cases.ts";
import { asUser } from "../support/build-places.ts";
import { succeeded, Workbench, writeFiles } from "../support/build-workbench.ts";
import { missingOf, oracle, run, tempDir } from "../support/tools.ts";

const EPOCH = "1450000000";
const CONTAINERFILE = `FROM localhost/base:1
ENV A=b
WORKDIR /work
COPY . /context
COPY --chown=app dir owned
ADD pack.tar.gz /pack
RUN echo new > /new && ln /new /a-link && ln /new /z-link && mkdir -p /d/e && touch /d/e/f && ln -s /new /symbolic
RUN mv /srv/old /srv/renamed && rm /srv/data/two.txt && chmod 700 /srv/opaque && echo x >> /srv/data/three.txt
RUN for n in 5 3 1 4 2; do echo $n > /d/$n; done; cp -a /usr/bin/captool /captool; date > /dev/null
LABEL c=d
`;

let bench: Workbench;
let context: string;
let first: string;

beforeAll(async () => {
  if (missingOf(busyboxThere).length > 0) return;
  bench = await Workbench.make({ "localhost/base:1": `oci:${await busyboxBase()}:1` });
  context = await makeSharedContext(bench.folder.path);
  writeFiles(context, { Containerfile: CONTAINERFILE });
  await run("sh", ["-c", `find . -exec touch -h -d @${CONTEXT_SECONDS} {} +`], { cwd: context });
  first = await digest({});
});

afterAll(() => bench?.[Symbol.dispose]());

interface Place {
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly place?: string;
}

async function digest({ under = [], env = {}, place = context }: Place): Promise<string> {
  const options = { context: place, args: ["--no-cache"], under, env: { SOURCE_DATE_EPOCH: EPOCH, ...env } };
  succeeded(await bench.build({}, "localhost/image:1", options));
  return (await bench.image("localhost/image:1")).manifestDigest;
}

describe("a digest stays the same", () => {
  const proves = "builds are reproducible";
  const same = (name: string, needs: Parameters<typeof oracle>[0], place: () => Promise<Place>): void =>
    oracle(needs, name, async () => expect(await digest(await place())).toBe(first), { proves });

  same("a second time", busyboxThere, async () => ({}));
  same("with another umask and another time zone", busyboxThere, async () => ({
    under: ["sh", "-c", 'umask 077; exec "$@"', "sh"],
    env: { TZ: "Pacific/Auckland", LC_ALL: "C" },
  }));
  same("in another directory, with the entries of directories in another order", busyboxThere, async () => {
    const place = bench.folder.join("elsewhere", "deeper");
    // Extracted in reverse, a directory's entries come in another order.
    const script = `mkdir -p ${place} && find . -depth ! -type d | sort -r | tar -cf - --xattrs --no-recursion -T - | tar -C ${place} --xattrs -xpf - && find . -type d -empty | tar -cf - --no-recursion -T - | tar -C ${place} -xpf -`;
    await run(
      "sh",
      [
        "-ec",
        `${script} && find . -type d | sort -r | while read -r d; do chmod --reference="$d" "${place}/$d"; touch -r "$d" "${place}/$d"; done`,
      ],
      { cwd: context },
    );
    return { place };
  });
  same("on a clock that is 400 days ahead", [busyboxThere, "faketime"], async () => ({
    under: ["faketime", "-f", "+400d"],
  }));
  same("by an ordinary user", [busyboxThere, "newuidmap", "setpriv"], async () => ({
    under: await asUser(bench.folder.path),
  }));
});

describe("times", () => {
  oracle(
    busyboxThere,
    "of what steps make or change are the epoch at the latest",
    async () => {
      using folder = tempDir();
      const archive = folder.join("image.tar");
      succeeded(await bench.run(["copy", "localhost/image:1", `oci-archive:${archive}`]));
      const layers = (await bench.image("localhost/image:1")).layers.slice(1);
      expect(layers.length).toBeGreaterThan(4);
      for (const { descriptor } of layers) {
        const blob = bench.folder.join("store", "blobs", ...descriptor.digest.split(":"));
        const { stdout } = await run("tar", ["--utc", "--full-time", "-tvzf", blob]);
        const times = stdout.split("\n").flatMap((line) => /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/.exec(line)?.[0] ?? []);
        expect(times.length).toBeGreaterThan(0);
        for (const time of times)
          expect(Date.parse(`${time.replace(" ", "T")}Z`)).toBeLessThanOrEqual(Number(EPOCH) * 1000);
      }
    },
    { proves: "nothing is later than SOURCE_DATE_EPOCH" },
  );
});
