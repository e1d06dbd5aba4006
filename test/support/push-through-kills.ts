/** Pushes to our registry while it is killed (kill -9) and started again, as a client that comes back and goes on. */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { serveRegistry } from "./registry.ts";

export interface KillRun {
  readonly blobs: number;
  readonly blobBytes: number;
  readonly kills: number;
}

export interface KillResult {
  /** Blobs that were answered with 201. */
  readonly acknowledged: number;
  /** Of these, the ones that are missing or other than they were. */
  readonly wrong: readonly string[];
  /** Uploads that went on after a kill with what had arrived before. */
  readonly resumed: number;
}

const CHUNKS = 6;
const WORKERS = 6;

export async function pushThroughKills(directory: string, { blobs, blobBytes, kills }: KillRun): Promise<KillResult> {
  let server = await serveRegistry(directory, ["--no-log"]);
  const { url } = server;
  const port = Number(new URL(url).port);
  let resumed = 0;
  let done = 0;
  const pushOne = async (index: number): Promise<string> => {
    const bytes = randomBytes(blobBytes + index);
    const digest = digestOf(bytes);
    let location: string | undefined;
    for (;;) {
      try {
        if ((await fetch(`${url}/v2/load/r${index % 3}/blobs/${digest}`, { method: "HEAD" })).ok) break;
        const status = location === undefined ? undefined : await fetch(`${url}${location}`);
        const range = status?.status === 204 ? Number(status.headers.get("range")?.split("-")[1]) : undefined;
        if (range !== undefined && range > 0) resumed++;
        if (range === undefined) location = await startUpload(`${url}/v2/load/r${index % 3}/blobs/uploads/`);
        await sendRest(`${url}${location}`, bytes, range === undefined || range === 0 ? 0 : range + 1, digest);
        break;
      } catch {
        await sleep(50);
      }
    }
    done++;
    return digest;
  };
  const digests: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < blobs; index = next++) digests[index] = await pushOne(index);
  };
  const pushing = Promise.all(Array.from({ length: WORKERS }, worker));
  for (let killed = 0; killed < kills; killed++) {
    // Some are done, others half-way, and there is work left for the next kills.
    const wanted = Math.floor(((killed + 1) * blobs) / (kills + 2));
    while (done < wanted) await sleep(5);
    await server.end("SIGKILL");
    server = await serveRegistry(directory, ["--no-log"], port);
  }
  await pushing;
  const wrong: string[] = [];
  for (const [index, digest] of digests.entries()) {
    const answer = await fetch(`${url}/v2/load/r${index % 3}/blobs/${digest}`);
    if (digestOf(new Uint8Array(await answer.arrayBuffer())) !== digest) wrong.push(digest);
  }
  await server.end("SIGKILL");
  return { acknowledged: digests.length, wrong, resumed };
}

async function startUpload(url: string): Promise<string> {
  const answer = await fetch(url, { method: "POST" });
  return answer.headers.get("location") ?? "";
}

/** In chunks with pauses, so that kills find uploads half-way. */
async function sendRest(url: string, bytes: Buffer, from: number, digest: string): Promise<void> {
  const chunkBytes = Math.ceil(bytes.length / CHUNKS);
  for (let start = from; start < bytes.length; start += chunkBytes) {
    const body = bytes.subarray(start, start + chunkBytes);
    const range = `${start}-${start + body.length - 1}`;
    const answer = await fetch(url, {
      method: "PATCH",
      body: new Uint8Array(body),
      headers: { "content-range": range },
    });
    if (answer.status !== 202) throw new Error(`chunk ${range}: ${answer.status}`);
    await sleep(20);
  }
  const answer = await fetch(`${url}?digest=${digest}`, { method: "PUT" });
  if (answer.status !== 201) throw new Error(`digest: ${answer.status}`);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
