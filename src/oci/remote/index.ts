export { RegistryError, type RegistryErrorCode } from "./error.ts";
export { REMOTE_LIMITS, type RemoteLimits } from "./limits.ts";
export { RegistrySession, type SessionOptions } from "./session.ts";
export { RegistryStore, type RegistryStoreOptions, type TransferOptions } from "./store.ts";
