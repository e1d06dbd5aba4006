export { runCli } from "./shell.ts";
