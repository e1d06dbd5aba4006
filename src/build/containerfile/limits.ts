// Caps on Containerfiles and ignore files: far beyond what people write, small enough for what machines may send.

export const MAX_FILE_BYTES: number = 16 * 1024 ** 2;
export const MAX_LINES = 500_000;
/** Of one instruction. */
export const MAX_HEREDOCS = 1_000;
export const MAX_IGNORE_PATTERNS = 10_000;
/** In UTF-16 units, as the next. */
export const MAX_EXPANDED_LENGTH: number = 16 * 1024 ** 2;
export const MAX_PATTERN_LENGTH = 4_096;
/** Substitutions in substitutions. */
export const MAX_NESTING = 100;
/** Length of a value times length of the pattern that is looked for in it. */
export const MAX_PATTERN_WORK: number = 2 ** 28;
