import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MEDIA_TYPE } from "../oci/index.ts";
import { RequestError } from "./error.ts";
import { references } from "./manifest.ts";

const digest = `sha256:${"a".repeat(64)}`;
const layer = { mediaType: MEDIA_TYPE.layer, digest, size: 3 };
const image = { schemaVersion: 2, mediaType: MEDIA_TYPE.manifest, config: layer, layers: [layer] };

function read(value: unknown, contentType: string = MEDIA_TYPE.manifest): ReturnType<typeof references> {
  return references(Buffer.from(JSON.stringify(value)), contentType);
}

describe("references", () => {
  it("are the configuration and the layers; what lies elsewhere is known as such", () => {
    const foreign = { ...layer, mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar" };
    const { blobs, artifactType } = read({ ...image, layers: [layer, foreign, { ...layer, urls: ["https://x"] }] });
    expect(blobs.map(({ isForeign }) => isForeign)).toEqual([false, false, true, true]);
    expect(artifactType).toBe(MEDIA_TYPE.layer);
  });

  it("take the artifact type of the manifest before that of its configuration; an index has only its own", () => {
    expect(read({ ...image, artifactType: "a/b" }).artifactType).toBe("a/b");
    const index = { schemaVersion: 2, manifests: [layer], subject: layer };
    expect(read(index, MEDIA_TYPE.index)).toEqual({ mediaType: MEDIA_TYPE.index, blobs: [], subject: digest });
  });

  it("take the media type from inside when the request has none", () => {
    expect(read(image, "").mediaType).toBe(MEDIA_TYPE.manifest);
    expect(() => read({ ...image, mediaType: undefined }, "")).toThrow("no media type");
  });

  it("of anything else are an error of ours", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc
        .record({ layers: fc.jsonValue(), annotations: fc.jsonValue(), subject: fc.jsonValue() })
        .map((fields) => ({ ...image, ...fields })),
      fc.record({ schemaVersion: fc.constant(2), config: fc.jsonValue(), manifests: fc.jsonValue() }),
    );
    fc.assert(
      fc.property(value, fc.constantFrom(MEDIA_TYPE.manifest, MEDIA_TYPE.index, "", "text/plain"), (json, type) => {
        try {
          read(json, type);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
        }
      }),
      { seed: 4, numRuns: 500, interruptAfterTimeLimit: 500 },
    );
    const bytes = Buffer.from(JSON.stringify(image));
    for (let end = 0; end < bytes.length; end++)
      expect(() => references(bytes.subarray(0, end), MEDIA_TYPE.manifest)).toThrow(RequestError);
    expect(() => references(Buffer.from([0xff]), MEDIA_TYPE.manifest)).toThrow(RequestError);
    expect(() => references(Buffer.from("[".repeat(100_000)), MEDIA_TYPE.manifest)).toThrow(RequestError);
  });
});
