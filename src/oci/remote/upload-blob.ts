// A blob to a registry, from a source that can be read from any offset: goes on where it broke, also where a process
// before this one was killed.
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { RegistryError } from "./error.ts";
import type { OpenUploads } from "./open-uploads.ts";
import type { RemoteRepository } from "./repository.ts";
import {
  askState,
  type OpenSource,
  type ResumeOptions,
  type Upload,
  uploadResumable,
  type UploadState,
} from "./upload.ts";

export interface UploadBlobOptions extends Omit<ResumeOptions, "onUpload"> {
  /** A new upload. */
  readonly start: () => Promise<Upload>;
  /** Of uploads that other processes have left open. */
  readonly memory: OpenUploads | undefined;
}

export async function uploadBlob(
  repository: RemoteRepository,
  descriptor: Descriptor,
  open: OpenSource,
  { start, memory, ...options }: UploadBlobOptions,
): Promise<void> {
  const key = `${repository.description} ${descriptor.digest}`;
  const onUpload = memory && ((upload: Upload): Promise<void> => memory.keep(key, upload));
  const uploadFrom = (state: UploadState): Promise<void> =>
    uploadResumable(repository, descriptor, state, open, { ...options, onUpload });
  const fresh = async (): Promise<void> => uploadFrom({ upload: await start(), offset: 0 });
  try {
    const left = await stateOf(repository, descriptor, await memory?.take(key));
    // What another process has sent may be spoilt, or the registry may have forgotten it meanwhile.
    if (left === undefined) await fresh();
    else await uploadFrom(left).catch((error: unknown) => (isFinal(error) ? fresh() : Promise.reject(error)));
    await memory?.forget(key);
  } catch (error) {
    if (isFinal(error)) await memory?.forget(key);
    throw error;
  } finally {
    memory?.release(key);
  }
}

/** Undefined when the registry does not know the upload any more, whatever it says then. */
async function stateOf(
  repository: RemoteRepository,
  descriptor: Descriptor,
  upload: Upload | undefined,
): Promise<UploadState | undefined> {
  if (upload === undefined) return undefined;
  return askState(repository, descriptor, upload).catch((error: unknown) => {
    if (isFinal(error)) return undefined;
    throw error;
  });
}

/** Neither the network nor a missing login: going on with the same upload leads nowhere. */
function isFinal(error: unknown): boolean {
  if (error instanceof RegistryError) return !error.transient && error.code !== "UNAUTHORIZED";
  return error instanceof OciError;
}
