// A plain ustar writer for tests that must not be judged by our own: short names only.
import { concatBytes } from "../../src/base/bytes/index.ts";
import { contentBytes } from "../../src/base/io/index.ts";
import type { LayerEntry } from "../../src/tree/index.ts";

const TYPE_FLAGS: Readonly<Record<LayerEntry["type"], string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

export async function tarOf(entries: readonly LayerEntry[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const data = await contentBytes(entry.content, 1 << 20);
    const records = entry.xattrs.map(({ name, value }) => paxRecord(`SCHILY.xattr.${name}`, value));
    if (records.length > 0)
      parts.push(...padded(header({ ...entry, path: "pax" }, "x", concatBytes(records).length), concatBytes(records)));
    parts.push(...padded(header(entry, TYPE_FLAGS[entry.type], data.length), data));
  }
  return concatBytes([...parts, new Uint8Array(1024)]);
}

function padded(head: Uint8Array, data: Uint8Array): Uint8Array[] {
  return [head, data, new Uint8Array((512 - (data.length % 512)) % 512)];
}

function header(entry: LayerEntry, type: string, size: number): Uint8Array {
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, length: number): void =>
    void block.write(value.toString(8).padStart(length - 1, "0"), at);
  block.write(entry.path === "" ? "./" : entry.path, 0, 100, "latin1");
  octal(entry.mode, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(size, 124, 12);
  octal(entry.mtimeSeconds, 136, 12);
  block.write(`        ${type}`, 148);
  block.write(entry.target, 157, 100, "latin1");
  block.write("ustar\x0000", 257);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  return block;
}

function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const body = concatBytes([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length += 1;
  return concatBytes([Buffer.from(String(length)), body]);
}
