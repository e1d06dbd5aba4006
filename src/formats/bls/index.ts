export { type BootEntry, formatBootEntry } from "./entry.ts";
