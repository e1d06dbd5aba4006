import { expect, it } from "vitest";
import { run } from "./process/index.ts";

/** In a process of its own: V8's flags are everybody's. Prints whether V8 takes code from before the flags were set. */
const SCRIPT = `
  import { Script } from "node:vm";
  import { collectEagerly, collectForStreams, restoreFlags } from ${JSON.stringify(import.meta.resolve("./memory.ts"))};
  const text = "(function () { return 1; })";
  const cachedData = new Script(text).createCachedData();
  const isTaken = () => !new Script(text, { cachedData }).cachedDataRejected;
  collectForStreams();
  collectEagerly();
  const meanwhile = isTaken();
  restoreFlags();
  console.log(meanwhile, isTaken());
`;

it("puts V8's flags back, so that compiled code can be kept", async () => {
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", SCRIPT]);
  expect(stdout.trim()).toBe("false true");
});
