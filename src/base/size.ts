// Sizes as people write and read them. Binary units: K, KiB, M, MiB, G, GiB, T, TiB; decimal: kB, MB, GB, TB.
import { SlipwayError } from "./errors.ts";

export class SizeError extends SlipwayError<"BAD_SIZE"> {}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  tb: 1000 ** 4,
};

/** Bytes of "10G", "1.5 GiB", "4096". Throws BAD_SIZE for anything else. */
export function parseSize(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text);
  const unit = match?.[2] === undefined ? undefined : UNITS[match[2].toLowerCase()];
  const bytes = unit === undefined ? Number.NaN : Math.round(Number(match?.[1]) * unit);
  if (!Number.isSafeInteger(bytes)) {
    throw new SizeError(
      "BAD_SIZE",
      `cannot read size "${text.slice(0, 40)}": want a number with an optional unit, such as 10G or 512MiB`,
    );
  }
  return bytes;
}

/** "1.4 GiB", "512 MiB", "37 B". */
export function formatSize(bytes: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < names.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${index === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${names[index]}`;
}
