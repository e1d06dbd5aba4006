// The platform of images that this machine can run.
import { arch } from "node:os";
import { makePlatform, type Platform } from "../oci/index.ts";

export function hostPlatform(): Platform {
  return makePlatform("linux", arch() === "x64" ? "amd64" : arch());
}
