import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dockerScopes } from "../signature/policy/scopes.ts";
import { openSettings } from "./settings.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "slipway-registries-d-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const SYSTEM = "etc/containers/registries.d";
const USER = "home/.config/containers/registries.d";
const write = (directory: string, name: string, text: string): void => {
  mkdirSync(join(root, directory), { recursive: true });
  writeFileSync(join(root, directory, name), text);
};
const uses = (name: string): Promise<boolean | undefined> => {
  const [registry = "", ...rest] = name.split("/");
  const settings = openSettings({ env: {}, home: join(root, "home"), systemRoot: root });
  return settings.usesAttachments(dockerScopes({ registry, repository: rest.join("/"), tag: "1" }));
};

describe("registries.d", () => {
  it("says nothing where there is none, nor where a section says nothing", async () => {
    expect(await uses("a.example/os")).toBeUndefined();
    write(
      SYSTEM,
      "default.yaml",
      "# lookaside: x\ndefault-docker:\n#  lookaside: y\ndocker:\n  a.example:\n    lookaside: https://x\n",
    );
    expect(await uses("a.example/os")).toBeUndefined();
  });

  it("is asked from the name to the host, then for its default", async () => {
    write(
      SYSTEM,
      "a.yaml",
      "default-docker: { use-sigstore-attachments: false }\ndocker:\n  a.example: { use-sigstore-attachments: yes }",
    );
    write(
      SYSTEM,
      "b.yaml",
      "docker:\n  a.example/team/os:1:\n    use-sigstore-attachments: off\n  a.example/team: { lookaside: x }",
    );
    write(SYSTEM, "c.yml", "docker: no YAML file by its name");
    expect(await uses("a.example/team/os")).toBe(false);
    expect(await uses("a.example/team/other")).toBe(true);
    expect(await uses("a.example:5000/team/os")).toBe(false);
    expect(await uses("docker.io/debian")).toBe(false);
  });

  it("is the user's alone where there is one", async () => {
    write(SYSTEM, "a.yaml", "default-docker: { use-sigstore-attachments: false }");
    write(USER, "a.yaml", "");
    expect(await uses("a.example/os")).toBeUndefined();
  });

  it.each([
    ["no YAML", "docker: [", "it is no YAML"],
    ["a key twice", "docker: {}\ndocker: {}", "it is no YAML"],
    ["a list", "- docker", "the file is"],
    ["scopes in a list", "docker: [a.example]", "docker is"],
    ["no boolean", "docker: { a.example: { use-sigstore-attachments: 1 } }", 'is "1", want true or false'],
    ["deep nesting", "[".repeat(2000), "it is no YAML"],
    ["a scope of another file", "docker: { a.example: {} }", "first.yaml too"],
  ])("is refused with %s", async (_, text, message) => {
    write(SYSTEM, "first.yaml", "docker: { a.example: {} }");
    write(SYSTEM, "second.yaml", text);
    await expect(uses("a.example/os")).rejects.toThrow(message);
    await expect(uses("a.example/os")).rejects.toMatchObject({ code: "BAD_REGISTRIES_D" });
  });
});
