// What writing to a file system meets, in words.
import { systemErrorCode } from "../errors.ts";
import { IoError } from "./source.ts";

/** A system error of writing as an IoError that says what to do. */
export function writeError(path: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new IoError("NO_SPACE", `cannot write ${path}: the file system is full (${code})`, {
        hint: "Free space there or choose another output directory",
        cause: error,
        data: { path },
      });
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new IoError("READ_ONLY", `cannot write ${path}: not writable (${code})`, {
        hint: "Choose an output directory that you may write to",
        cause: error,
        data: { path },
      });
    case "EFBIG":
      return new IoError(
        "WRITE_FAILED",
        `cannot write ${path}: larger than the file system or the limit allows (EFBIG)`,
        {
          hint: "Raise `ulimit -f` or choose another file system",
          cause: error,
          data: { path },
        },
      );
    case undefined:
      return error;
    default:
      return new IoError("WRITE_FAILED", `cannot write ${path}: ${code}`, { cause: error, data: { path } });
  }
}
