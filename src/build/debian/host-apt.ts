// How this machine itself reaches Debian's archive: a machine behind a mirror or a proxy has no other way. It decides
// where packages come from, never what is in the image.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../base/process/index.ts";

export interface HostApt {
  /** The archive's and the security archive's addresses, as far as the machine's sources name them. */
  readonly archive?: string;
  readonly securityArchive?: string;
  /** apt options for its proxies. */
  readonly options: readonly string[];
}

const SOURCES = "/etc/apt";
const PROXIES = ["Acquire::http::Proxy", "Acquire::https::Proxy"];

/** Nothing on a machine without apt. */
export async function readHostApt(): Promise<HostApt> {
  const { archive, securityArchive } = findArchives(await sourcesText());
  const options = await Promise.all(PROXIES.map(proxyOption));
  return {
    ...(archive === undefined ? {} : { archive }),
    ...(securityArchive === undefined ? {} : { securityArchive }),
    options: options.flat(),
  };
}

async function sourcesText(): Promise<string> {
  const parts = await readdir(join(SOURCES, "sources.list.d")).catch(() => []);
  const files = parts.filter((name) => /\.(list|sources)$/.test(name)).toSorted();
  const paths = [join(SOURCES, "sources.list"), ...files.map((name) => join(SOURCES, "sources.list.d", name))];
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8").catch(() => "")));
  return texts.join("\n");
}

/** The addresses in sources.list(5) text, one-line or deb822, that look like Debian's archives. */
export function findArchives(text: string): Pick<HostApt, "archive" | "securityArchive"> {
  const words = text
    .split("\n")
    .filter((line) => /^\s*(deb\s|URIs:)/.test(line))
    .flatMap((line) => line.split(/\s+/));
  const addresses = words.filter((word) => /^https?:\/\/\S+$/.test(word)).map((word) => word.replace(/\/+$/, ""));
  const archive = addresses.find((address) => address.endsWith("/debian"));
  const securityArchive = addresses.find((address) => /\/(debian-security|security)$/.test(address));
  return {
    ...(archive === undefined ? {} : { archive }),
    ...(securityArchive === undefined ? {} : { securityArchive }),
  };
}

async function proxyOption(key: string): Promise<string[]> {
  try {
    const { stdout } = await run("apt-config", ["dump", "--format", "%f=%v%n", key]);
    const value = stdout
      .split("\n")
      .find((line) => line.startsWith(`${key}=`))
      ?.slice(key.length + 1);
    return value === undefined || value === "" ? [] : [`${key} "${value}";`];
  } catch {
    return [];
  }
}
