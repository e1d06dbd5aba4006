export { espFiles, type EspFiles } from "./esp.ts";
export { assertScriptable, grubConfig } from "./grub-config.ts";
