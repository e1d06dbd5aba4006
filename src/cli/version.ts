// The version is part of what a disk is made of: same input, options and version give the same bytes.
import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;
