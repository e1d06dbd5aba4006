export { MIN_SEARCHED_BYTES, type Secret } from "./secret.ts";
export { MAX_SECRET_BYTES, parseSecretOption } from "./option.ts";
export { assertImageHasNoSecrets } from "./image.ts";
export { assertNoLeaks, findConfigLeaks, findLeaks, type Leak } from "./leaks.ts";
export { Mask } from "./mask.ts";
