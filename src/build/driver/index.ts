export type { DriverName, DriverOptions } from "./arguments.ts";
export { buildWithDriver, type DriverServices } from "./driver.ts";
