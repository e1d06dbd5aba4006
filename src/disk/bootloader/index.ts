export { espFiles, type EspFiles } from "./esp.ts";
export { grubConfig } from "./grub-config.ts";
