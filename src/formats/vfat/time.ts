// DOS date and time (FAT paper, "Date and Time Formats"): local time without a zone, here always UTC; two-second steps;
// 1980 to 2107, and what lies outside is moved to the nearest end.

const MIN_SECONDS = Date.UTC(1980, 0, 1) / 1000;
const MAX_SECONDS = Date.UTC(2107, 11, 31, 23, 59, 58) / 1000;

export interface DosTime {
  readonly date: number;
  readonly time: number;
}

/** Seconds since 1970 as the two 16-bit fields. */
export function dosTime(seconds: number): DosTime {
  const date = new Date(Math.min(Math.max(seconds, MIN_SECONDS), MAX_SECONDS) * 1000);
  return {
    date: (date.getUTCFullYear() - 1980) * 512 + (date.getUTCMonth() + 1) * 32 + date.getUTCDate(),
    time: date.getUTCHours() * 2048 + date.getUTCMinutes() * 32 + Math.floor(date.getUTCSeconds() / 2),
  };
}
