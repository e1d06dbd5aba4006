import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { describeStore } from "../../test/support/store-contract.ts";
import { ArchiveWriter, OCI_ARCHIVE } from "./archive/writer.ts";
import { DOCKER_ARCHIVE } from "./docker-archive/writer.ts";
import { LayoutStore } from "./layout/store.ts";
import { openLocalStore } from "./local-store.ts";
import { MemoryStore } from "./memory/store.ts";

const directory = mkdtempSync(join(tmpdir(), "slipway-stores-"));
const writers: ArchiveWriter[] = [];
afterAll(async () => {
  for (const writer of writers) await writer[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});
let count = 0;

describeStore("memory", () => Promise.resolve(new MemoryStore()));
for (const form of [OCI_ARCHIVE, DOCKER_ARCHIVE]) {
  describeStore(`an ${form.transport} in the making`, async () => {
    const writer = await ArchiveWriter.create(form, join(directory, `archive-${++count}`));
    writers.push(writer);
    return writer;
  });
}
describeStore("the local store", async () => (await openLocalStore(join(directory, `store-${++count}`))).images);
describeStore("an OCI layout", () => LayoutStore.create(join(directory, `layout-${++count}`)));
