// EXPOSE: ports that the image listens on; PORT[-PORT][/PROTOCOL], tcp unless told otherwise. The configuration has single
// ports only (image-spec config.md).
import type { RunConfig } from "../config.ts";
import type { Expose } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";

const PORTS = /^(\d{1,5}(?:-\d{1,5})?)(?:\/(tcp|udp|sctp))?$/i;
const MAX_PORT = 65_535;

export function expose(
  config: RunConfig,
  { ports }: Pick<Expose, "ports">,
  expandWords: (text: string) => string[],
): RunConfig {
  const exposed = new Set(config.exposedPorts);
  for (const text of new Set(ports.flatMap(({ text: words }) => expandWords(words)))) addPorts(exposed, text);
  return { ...config, exposedPorts: [...exposed] };
}

function addPorts(exposed: Set<string>, text: string): void {
  const [, range, protocol = "tcp"] = PORTS.exec(text) ?? [];
  const [first = 0, last = first] = (range ?? "").split("-").map(Number);
  if (range === undefined || first > last || last > MAX_PORT)
    throw new BuildError("BAD_VALUE", `cannot expose ${JSON.stringify(text)}: want PORT[-PORT][/tcp|udp|sctp]`);
  for (let port = first; port <= last; port++) exposed.add(`${port}/${protocol.toLowerCase()}`);
}
