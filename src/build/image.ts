// The last state of a stage as an image: configuration and manifest (image-spec config.md, manifest.md) in the local store,
// without a name. Times are those of the first build that came to the same image, unless they are given.
import { hashJson, type StepCache } from "./cache/index.ts";
import { configJson } from "./config.ts";
import type { JsonObject } from "./json.ts";
import { describeBytes, type Descriptor, formatManifest, MEDIA_TYPE, pushBytes } from "../oci/index.ts";
import type { BuildRequest, BuildServices } from "./request.ts";
import { squash } from "./squash.ts";
import type { StageState, StepHistory } from "./state.ts";
import type { Workshop } from "./workshop.ts";

export interface WrittenImage {
  readonly descriptor: Descriptor;
  readonly configDigest: string;
}

const BASE_DIGEST = "org.opencontainers.image.base.digest";
const BASE_NAME = "org.opencontainers.image.base.name";

/** Throws BuildError SECRET_LEAKED, and what the store throws. */
export async function writeImage(
  last: StageState,
  request: BuildRequest,
  services: BuildServices,
  cache: StepCache,
  workshop: Workshop,
): Promise<WrittenImage> {
  const { image } = last.base;
  const isUnchanged = last.history.length === 0 && request.annotations.size === 0 && request.squash === "none";
  if (image !== undefined && isUnchanged) {
    const { mediaType, digest, sizeBytes } = image.descriptor;
    return { descriptor: { mediaType, digest, sizeBytes }, configDigest: image.manifest.config.digest };
  }
  const { root, history, inherited } = await squash(
    last.history.length === 0 ? withNoStep(last) : last,
    request,
    services,
    workshop,
  );
  const annotations = annotationsOf(last, request);
  const contents = {
    ...(last.author === undefined ? {} : { author: last.author }),
    ...last.base.platform,
    config: configJson(last.config),
    rootfs: { type: "layers", diff_ids: root.layers.map(({ diffId }) => diffId) },
  };
  const key = hashJson({ image: contents, history, inherited, annotations });
  const created = await createdTime(request, services, cache, key);
  const lines = [...inherited, ...history.map((line) => historyJson(line, created))];
  const configBytes = Buffer.from(JSON.stringify({ created, ...contents, history: lines }));
  const { images } = services.local;
  const config = describeBytes(MEDIA_TYPE.config, configBytes);
  const layers = root.layers.map(({ descriptor: { mediaType, digest, sizeBytes } }) => ({
    mediaType: ociLayerType(mediaType),
    digest,
    sizeBytes,
  }));
  const bytes = formatManifest({ mediaType: MEDIA_TYPE.manifest, config, layers, annotations });
  const descriptor = describeBytes(MEDIA_TYPE.manifest, bytes);
  if (request.secrets.length > 0) {
    const { assertNoLeaks, findConfigLeaks } = await import("./secrets/index.ts");
    assertNoLeaks(findConfigLeaks(configBytes, request.secrets), "the image's configuration");
    assertNoLeaks(findConfigLeaks(bytes, request.secrets), "the image's manifest");
  }
  // Nothing leads to them yet: their order does not matter.
  await Promise.all([pushBytes(images, config, configBytes), pushBytes(images, descriptor, bytes)]);
  return { descriptor, configDigest: config.digest };
}

/** An image that no step made has a line of history all the same. */
function withNoStep(state: StageState): StageState {
  return { ...state, history: [{ createdBy: "/bin/sh", emptyLayer: true }] };
}

/** In an OCI manifest layers have OCI's names. */
function ociLayerType(mediaType: string): string {
  if (mediaType === MEDIA_TYPE.dockerLayerGzip) return MEDIA_TYPE.layerGzip;
  return mediaType === MEDIA_TYPE.dockerLayer ? MEDIA_TYPE.layer : mediaType;
}

function annotationsOf({ base }: StageState, request: BuildRequest): Record<string, string> {
  const { image, name } = base;
  const annotations = new Map(Object.entries(image?.manifest.annotations ?? {}));
  annotations.delete(BASE_NAME);
  if (image !== undefined) annotations.set(BASE_DIGEST, image.manifestDigest);
  if (name !== undefined) annotations.set(BASE_NAME, name);
  for (const [key, value] of request.annotations) annotations.set(key, value);
  return Object.fromEntries([...annotations].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function createdTime(
  { epochSeconds, useCache }: BuildRequest,
  { nowMs }: BuildServices,
  cache: StepCache,
  key: string,
): Promise<string> {
  if (epochSeconds !== undefined) return formatTime(epochSeconds * 1000);
  const known = useCache ? await cache.created(key) : undefined;
  if (known !== undefined) return known;
  const created = formatTime(nowMs());
  await cache.keepCreated(key, created);
  return created;
}

function historyJson({ createdBy, author, comment, emptyLayer }: StepHistory, created: string): JsonObject {
  return {
    created,
    created_by: createdBy,
    ...(author === undefined ? {} : { author }),
    ...(comment === undefined ? {} : { comment }),
    ...(emptyLayer ? { empty_layer: true } : {}),
  };
}

/** RFC 3339, without a fraction that is zero. */
function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
