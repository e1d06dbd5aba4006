import { describe, expect, it } from "vitest";
import { IoError } from "../../base/io/index.ts";
import { SettingsError } from "./error.ts";
import { isPermissionError, listSettingsDirectory, readSettingsFile } from "./read-file.ts";

describe("a file of the settings", () => {
  it("that is not there is none", async () => {
    expect(await readSettingsFile("/nowhere/at/all")).toBeUndefined();
    expect(await readSettingsFile("/dev/null/below")).toBeUndefined();
    expect(await listSettingsDirectory("/nowhere/at/all")).toBeUndefined();
  });
  it("that never ends is an error", async () => {
    await expect(readSettingsFile("/dev/zero")).rejects.toMatchObject({ code: "LIMIT" });
  });
  it("that is something else is an error that says so", async () => {
    await expect(readSettingsFile("/dev")).rejects.toMatchObject({ code: "IO", message: "cannot read /dev: EISDIR" });
  });
  it("may be for others", () => {
    const denied = Object.assign(new Error("no"), { code: "EACCES" });
    expect(isPermissionError(new SettingsError("IO", "cannot read /x: EACCES", { cause: denied }))).toBe(true);
    expect(isPermissionError(new SettingsError("IO", "cannot read /x: EIO"))).toBe(false);
    expect(isPermissionError(new IoError("LOCKED", "x", { cause: denied }))).toBe(false);
  });
});
