// USER: who later RUNs and the image's own program run as.
import type { RunConfig } from "../config.ts";
import type { User } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { Expand } from "../state.ts";

export function user(config: RunConfig, instruction: Pick<User, "user">, expand: Expand): RunConfig {
  const name = expand(instruction.user);
  if (name === "") throw new BuildError("BAD_VALUE", `USER ${instruction.user.text} names nobody`);
  return { ...config, user: name };
}
