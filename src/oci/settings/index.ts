export { removeAllCredentials, removeCredentials, storeCredentials } from "./auth-store.ts";
export { type LoginTarget, parseLoginTarget } from "./login-target.ts";
export { SettingsError, type SettingsErrorCode } from "./error.ts";
export { openSettings } from "./settings.ts";
export type { Credentials, Endpoint, RunHelper, Settings, SettingsOptions, TlsSettings } from "./types.ts";
