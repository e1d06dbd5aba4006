/** What lets `apt-get` in a RUN step reach Debian's archive as this machine does: mirror and proxy, mounted, in no layer. */
import { writeFileSync } from "node:fs";
import { readHostApt } from "../../src/build/debian/host-apt.ts";
import type { TempFolder } from "./tools.ts";

/** Options of `slipway build` for an image of `base debian`. */
export async function hostAptVolumes(folder: TempFolder, suite: "trixie"): Promise<string[]> {
  const apt = await readHostApt();
  const archive = apt.archive ?? "http://deb.debian.org/debian";
  const sources = folder.join("debian.sources");
  writeFileSync(
    sources,
    [
      "Types: deb",
      `URIs: ${archive}`,
      `Suites: ${suite}`,
      "Components: main",
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
      "",
    ].join("\n"),
  );
  const options = folder.join("apt.conf");
  writeFileSync(options, apt.options.map((line) => `${line}\n`).join(""));
  return [
    `--volume=${sources}:/etc/apt/sources.list.d/debian.sources:ro`,
    `--volume=${options}:/etc/apt/apt.conf.d/99-test:ro`,
  ];
}
