export { formatKeyfile, type Keyfile, keyfileBoolean, KeyfileError, parseKeyfile } from "./keyfile.ts";
