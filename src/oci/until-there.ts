// What stands under one name of a store is changed by reading, adding and writing it anew, and no store locks a name. Two
// who do so at once can take each other's part away: so what was written is read again, and added again when it is gone.
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { OciError } from "./error.ts";

const MAX_WRITES = 5;
/** Of the first pause, which two who meet do not share; each further one is longer. */
const PAUSE_MS = 10;

/** `add` is true when all is there; else it has written. Throws OciError CONFLICT after five writes in vain. */
export async function untilThere(name: string, add: () => Promise<boolean>): Promise<void> {
  for (let writes = 0; !(await add()); writes++) {
    if (writes === MAX_WRITES) {
      throw new OciError("CONFLICT", `cannot add to ${name}: written ${MAX_WRITES} times, it was replaced each time`, {
        hint: "Sign and copy to one image from one place at a time, and try again",
      });
    }
    if (writes > 0) await sleep(PAUSE_MS * 2 ** (writes - 1) * (0.5 + randomInt(1000) / 1000));
  }
}
