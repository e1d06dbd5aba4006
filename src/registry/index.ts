export { isLoopback, type TextFile } from "./auth/policy.ts";
export { RegistryServerError, RequestError } from "./error.ts";
export { reachableFrom } from "./mirror/hosts.ts";
export { parseMirrorHost, parseUpstream, RemoteUpstream, type Upstream } from "./mirror/upstream.ts";
export { type Registry, type RegistryOptions, startRegistry } from "./registry.ts";
export type { LogLine } from "./server.ts";
export type { Collected } from "./storage/garbage.ts";
