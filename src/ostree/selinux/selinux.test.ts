// The policy of test/vectors/ostree/selinux: its labels were seen with libselinux through `ostree commit
// --selinux-policy`, which test/oracles/ostree.test.ts repeats.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesToByteString } from "../../base/bytes/index.ts";
import { contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import { directory, type DirectoryInode, file, type Inode, lookup, place, symlink } from "../../tree/index.ts";
import { FileContexts, Labeller, loadLabeller } from "./index.ts";
import { loadPolicy } from "./policy.ts";

const text = (value: string): Inode => file(contentOf(Buffer.from(value)));

function system(config = readFileSync("test/vectors/ostree/selinux/config", "utf8")): DirectoryInode {
  const root = directory();
  place(root, "usr/etc/selinux/config", text(config));
  for (const name of ["file_contexts", "file_contexts.homedirs", "file_contexts.subs_dist"]) {
    place(
      root,
      `usr/etc/selinux/small/contexts/files/${name}`,
      text(readFileSync(`test/vectors/ostree/selinux/${name}`, "utf8")),
    );
  }
  return root;
}

function labelOf(root: DirectoryInode, path: string): string | undefined {
  const xattr = lookup(root, path)?.xattrs.find(({ name }) => name === "security.selinux");
  return xattr === undefined ? undefined : bytesToByteString(xattr.value);
}

describe("the look-up", () => {
  it.each([
    ["/", "directory", "root_t"],
    ["/top", "file", "default_t"],
    ["/usr/bin/app", "file", "app_exec_t"],
    ["/usr/bin/app2", "file", "appplus_t"],
    ["/usr/bin/link", "symlink", "usr_t"],
    ["/usr/sbin/ping", "file", "ping_exec_t"],
    ["/usr/share/a.d/10-xx.conf", "file", "conf_t"],
    ["/usr/share/a.d/10-x.conf", "file", "usr_t"],
    ["/usr/lib/deep/z", "file", "lib_t"],
    ["/usr/lib64/deep", "directory", "deep_t"],
    ["/usr/etc/shadow", "file", "shadow_t"],
    ["/usr/etc/a.b", "file", "literal_t"],
    ["/usr/etc/aXb", "file", "etc_t"],
    ["/proc", "directory", "mnt_t"],
    ["/var/home/me", "directory", "home_t"],
    ["/var/home/root", "directory", "root_home_t"],
    ["/opt/a", "file", "either_t"],
    ["/opt/c", "file", "default_t"],
    ["/var/nothing/x", "file", undefined],
  ] as const)("%s (%s) is %s", async (path, kind, type) => {
    const policy = await loadPolicy(system());
    expect(policy?.label(path, kind)).toBe(type && `system_u:object_r:${type}:s0`);
  });

  it.each(["/x", "/x -q context", "/x -- a b", "/(x -- context"])("refuses the line %j", (line) => {
    expect(() => new FileContexts().add(line, "file_contexts")).toThrow(/SELinux policy, file_contexts/);
  });
});

describe("relabelling", () => {
  it("replaces labels, keeps other attributes, and takes over what is right", async () => {
    const root = system();
    const note = { name: "user.note", value: Uint8Array.of(1) };
    const stale = { name: "security.selinux", value: Uint8Array.of(2) };
    place(root, "usr/bin/a", file(EMPTY_CONTENT, { xattrs: [stale, note] }));
    place(root, "var/nothing/b", file(EMPTY_CONTENT, { xattrs: [stale] }));
    place(root, "usr/bin/link", symlink("a"));
    const shared = { ...file(contentOf(Buffer.from("x"))), ostreeChecksum: "0".repeat(64) };
    for (const path of ["usr/bin/one", "usr/bin/two", "usr/lib/three"]) place(root, path, shared);

    const labelled = (await loadLabeller(root))?.relabel(root) ?? root;
    expect(lookup(labelled, "usr/bin/a")?.xattrs.map(({ name }) => name)).toEqual(["security.selinux", "user.note"]);
    expect(labelOf(labelled, "usr/bin/a")).toBe("system_u:object_r:bin_t:s0\0");
    expect(labelOf(labelled, "usr/bin/link")).toBe("system_u:object_r:usr_t:s0\0");
    expect(labelOf(labelled, "")).toBe("system_u:object_r:root_t:s0\0");
    expect(labelOf(labelled, "var/nothing/b")).toBeUndefined();
    expect(lookup(labelled, "usr/bin/one")).toBe(lookup(labelled, "usr/bin/two"));
    expect(lookup(labelled, "usr/bin/one")).not.toBe(lookup(labelled, "usr/lib/three"));
    expect(lookup(labelled, "usr/bin/one")).not.toHaveProperty("ostreeChecksum");
    expect(labelOf(root, "usr/bin/one")).toBeUndefined();
    expect((await loadLabeller(labelled))?.relabel(labelled)).toBe(labelled);
  });

  it("labels what stands around a deployment, and leaves objects and deployments as they are", async () => {
    const root = directory();
    const kernel = { ...file(contentOf(Buffer.from("k"))), ostreeChecksum: "1".repeat(64) };
    place(root, "ostree/deploy/default/deploy/abc.0/usr/bin/a", file(EMPTY_CONTENT));
    place(root, "ostree/repo/objects/11/11.file", kernel);
    place(root, "boot/ostree/default-1/vmlinuz", kernel);
    place(root, "usr/bin/x", file(EMPTY_CONTENT));
    const labelled = (await loadLabeller(system()))?.labelRest(root) ?? root;
    expect(labelOf(labelled, "")).toBe("system_u:object_r:root_t:s0\0");
    expect(labelOf(labelled, "usr/bin/x")).toBe("system_u:object_r:bin_t:s0\0");
    expect(labelOf(labelled, "ostree/deploy/default/deploy/abc.0/usr/bin/a")).toBeUndefined();
    expect(lookup(labelled, "boot/ostree/default-1/vmlinuz")).toBe(kernel);
    expect(lookup(labelled, "ostree/repo/objects/11/11.file")).toBe(kernel);
  });

  it("happens only under a policy that is enforced or permissive", async () => {
    expect(await loadLabeller(directory())).toBeUndefined();
    expect(await loadLabeller(system("SELINUX=disabled\nSELINUXTYPE=small\n"))).toBeUndefined();
    expect(await loadLabeller(system("SELINUX=permissive\nSELINUXTYPE=small\n"))).toBeInstanceOf(Labeller);
    await expect(loadLabeller(system("SELINUX=enforcing\nSELINUXTYPE=other\n"))).rejects.toThrow(
      /other.*it is not there/,
    );
    await expect(loadLabeller(system("SELINUX=enforcing\nSELINUXTYPE=../x\n"))).rejects.toThrow(/SELINUXTYPE/);
  });
});
