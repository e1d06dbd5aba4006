/** COPY and ADD against a tree in memory: what a stage's Root is to a build. */
import type { ByteString } from "../../src/base/bytes/index.ts";
import { contentBytes } from "../../src/base/io/index.ts";
import type { CopyRequest, CopyTarget } from "../../src/build/copy/index.ts";
import { type DirectoryInode, type Inode, resolve } from "../../src/tree/index.ts";

export function treeTarget(root: DirectoryInode): CopyTarget {
  const lstat = (path: ByteString): Inode | undefined => {
    const slash = path.lastIndexOf("/");
    const parent = resolve(root, path.slice(0, Math.max(slash, 0)));
    if (path === "") return root;
    return parent?.type === "directory" ? parent.entries.get(path.slice(slash + 1)) : undefined;
  };
  return {
    lstat: (path) => Promise.resolve(lstat(path)),
    readFile: async (path, maxBytes) => {
      const inode = resolve(root, path);
      return inode?.type === "file" ? await contentBytes(inode.content, maxBytes) : undefined;
    },
  };
}

/** The request of an instruction without heredocs: `COPY --chown=1:2 a b /c/`. */
export function requestOf(
  instruction: string,
  options: Partial<CopyRequest> = {},
): CopyRequest & { readonly from: string | undefined } {
  const words = instruction.split(" ");
  const flags = new Map<string, string[]>();
  for (const word of words.filter((each) => each.startsWith("--"))) {
    const [name = "", ...value] = word.slice(2).split("=");
    flags.set(name, [...(flags.get(name) ?? []), value.join("=")]);
  }
  const [kind, ...paths] = words.filter((each) => !each.startsWith("--"));
  const flag = (name: string): string | undefined => flags.get(name)?.[0];
  const given = Object.entries({ chown: flag("chown"), chmod: flag("chmod"), checksum: flag("checksum") });
  return {
    kind: kind === "ADD" ? "ADD" : "COPY",
    sources: paths.slice(0, -1),
    destination: paths.at(-1) ?? "",
    workdir: "/",
    link: flags.has("link"),
    parents: flags.has("parents"),
    exclude: flags.get("exclude") ?? [],
    from: flag("from"),
    ...(flags.has("unpack") ? { unpack: flag("unpack") !== "false" } : {}),
    ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
    signal: new AbortController().signal,
    ...options,
  };
}
