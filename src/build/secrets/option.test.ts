import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTempDir } from "../../base/io/index.ts";
import { MAX_SECRET_BYTES, parseSecretOption } from "./option.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("parseSecretOption", () => {
  it.each([
    ["id=token,src=f", "from file"],
    ["id=token,source=f", "from file"],
    ["type=file,id=token,src=f", "from file"],
    ["id=token,env=VARIABLE", "from variable"],
    ["id=token,type=env,src=VARIABLE", "from variable"],
    ["id=token,type=env,env=VARIABLE", "from variable"],
    ["id=VARIABLE", "from variable"],
    ["id=VARIABLE,type=file,src=f", "from file"],
    ["id=VARIABLE,src=f", "from file"],
    ["id=f", "from file"],
  ])("reads %s", async (option, value) => {
    await using directory = await makeTempDir("slipway-secret-");
    await writeFile(join(directory.path, "f"), "from file");
    const secret = await parseSecretOption(option, { VARIABLE: "from variable" }, directory.path);
    expect(text(secret.bytes)).toBe(value);
    expect(option).toContain(`id=${secret.id}`);
  });

  it.each([
    ["src=f", "BAD_VALUE", "cannot use --secret: it names no id"],
    ["id=", "BAD_VALUE", "names no id"],
    ["hunter22hunter22", "BAD_VALUE", 'cannot use --secret: a part of it has no "="'],
    ["id=a,mode=0400", "BAD_VALUE", 'a field "mode", want id, src, env or type'],
    ["id=a,id=b", "BAD_VALUE", "has id twice"],
    ["id=a,type=vault", "BAD_VALUE", "neither file nor env"],
    ["id=a,src=f,env=V", "BAD_VALUE", "both src and env"],
    ["id=a,type=file,env=V", "BAD_VALUE", "its type is file, but it has env"],
    ["id=a,env=MISSING", "NOT_FOUND", 'cannot read secret "a": the environment has no variable "MISSING"'],
    ["id=a,src=/nonexistent/x", "NOT_FOUND", 'cannot read secret "a" from /nonexistent/x: ENOENT'],
    ["id=a,src=/", "NOT_FOUND", 'cannot read secret "a" from /: EISDIR'],
  ])("refuses %s", async (option, code, message) => {
    await expect(parseSecretOption(option, {}, "/")).rejects.toMatchObject({
      name: "BuildError",
      code,
      message: expect.stringContaining(message),
    });
  });

  it("never shows what may be the value", async () => {
    const error = await parseSecretOption("hunter22=hunter23,id=a", {}, "/").catch((thrown: Error) => thrown);
    expect(JSON.stringify(error)).not.toContain("hunter23");
  });

  it("refuses a file that is too large", async () => {
    await using directory = await makeTempDir("slipway-secret-");
    await writeFile(join(directory.path, "f"), new Uint8Array(MAX_SECRET_BYTES + 1));
    await expect(parseSecretOption("id=f", {}, directory.path)).rejects.toMatchObject({ code: "LIMIT" });
  });
});
