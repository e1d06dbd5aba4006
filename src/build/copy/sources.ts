// From the words of COPY or ADD to what is copied: paths and globs, heredocs, web addresses.
import { hash } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentOf } from "../../base/io/index.ts";
import { BuildError } from "../error.ts";
import { type ContextSource, fileEntry } from "./context.ts";
import { download } from "./download.ts";
import { isFolder } from "./destination.ts";
import type { CopyRequest } from "./request.ts";
import { nameOf, nothingSelected, type Pick, selectSource } from "./select.ts";
import { gitRefused, isGit, isUrl, nameInUrl, parseUrl } from "./url.ts";

/** Where downloads and decompressed archives go; made when first needed. */
export class Scratch {
  readonly #parent: string;
  #made: Promise<string> | undefined;
  #count = 0;

  constructor(parent: string | undefined) {
    this.#parent = parent ?? tmpdir();
  }

  readonly next = async (): Promise<string> => {
    this.#made ??= mkdtemp(join(this.#parent, "slipway-copy-"));
    return join(await this.#made, String(this.#count++));
  };
}

/** Throws BuildError. */
export async function pickSources(request: CopyRequest, from: ContextSource, scratch: Scratch): Promise<Pick[]> {
  const checksum = parseChecksum(request);
  const picks: Pick[] = [];
  for (const source of request.sources) {
    if (typeof source !== "string") picks.push(heredocPick(source, request.epochSeconds ?? 0));
    else if (isGit(source)) throw gitRefused(source);
    else if (isUrl(source)) picks.push(await urlPick(source, request, checksum, scratch));
    else picks.push(...(await selectSource(from, source, request)));
  }
  const [first] = request.sources;
  if (picks.length === 0 && typeof first === "string") throw await nothingSelected(from, first);
  return picks;
}

function parseChecksum({ kind, checksum, sources }: CopyRequest): string | undefined {
  if (checksum === undefined) return undefined;
  if (kind === "COPY" || !sources.every((source) => typeof source === "string" && isUrl(source)))
    throw new BuildError("BAD_VALUE", "cannot use --checksum: it is for ADD of a web address only");
  const hex = /^sha256:([0-9a-f]{64})$/.exec(checksum)?.[1];
  if (hex !== undefined) return hex;
  throw new BuildError(
    "BAD_VALUE",
    `cannot use --checksum=${checksum.slice(0, 100)}: want sha256: and 64 lower-case hex digits`,
  );
}

function heredocPick({ name, content }: { name: string; content: Uint8Array }, mtimeSeconds: number): Pick {
  const entry = fileEntry({ mode: 0o644, mtimeSeconds, content: contentOf(content) }, hash("sha256", content, "hex"));
  return { kind: "file", name: nameOf(name), entry, source: `<<${name}`, isLocal: false };
}

/** With a checksum, and a name that the server need not tell, nothing is fetched before the step cache was asked. */
async function urlPick(
  source: string,
  request: CopyRequest,
  checksum: string | undefined,
  scratch: Scratch,
): Promise<Pick> {
  if (request.kind === "COPY")
    throw new BuildError("BAD_VALUE", `cannot COPY "${source}": it is a web address`, { hint: "Use ADD" });
  const url = parseUrl(source);
  // Of no use when the destination names the file; when that turns out to be a directory, placePicks complains.
  const name = nameInUrl(url) ?? (isFolder(request) ? undefined : "");
  const fetch = async (): ReturnType<typeof download> =>
    await download(url, {
      ...(checksum === undefined ? {} : { checksum }),
      path: await scratch.next(),
      signal: request.signal,
    });
  if (checksum !== undefined && name !== undefined)
    return { kind: "url", name, checksum, source, fetch: async () => (await fetch()).entry };
  const { entry, name: told } = await fetch();
  const found = name ?? told;
  if (found === undefined)
    throw new BuildError("BAD_VALUE", `cannot ADD "${source}": neither it nor the server names a file`, {
      hint: "Give the file a name in the destination",
    });
  return { kind: "file", name: found, entry, source, isLocal: false };
}
