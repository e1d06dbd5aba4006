export { clearLeftovers, type Cleared, leftovers } from "./leftovers.ts";
