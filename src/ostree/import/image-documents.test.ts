import { describe, expect, it } from "vitest";
import { readImageDocuments } from "./image-documents.ts";

const layer = {
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest: `sha256:${"a".repeat(64)}`,
  size: 10,
};
const rootfs = { type: "layers", diff_ids: [`sha256:${"b".repeat(64)}`] };
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));

function read(manifest: object, config: object): ReturnType<typeof readImageDocuments> {
  return readImageDocuments(bytes({ schemaVersion: 2, layers: [layer], ...manifest }), bytes({ rootfs, ...config }));
}

describe("documents of an image", () => {
  it("keep what the specification names, sorted; nulls and other members go", () => {
    const { manifestJson, configJson } = read(
      { "x-extra": 1, annotations: null, config: { size: 1, mediaType: "m", digest: "d", unknown: true } },
      {
        os: "linux",
        architecture: "amd64",
        docker_version: "1",
        config: { Volumes: { "/v": {} }, Env: null, Healthcheck: {}, Cmd: [], Labels: { b: "2", a: "1" } },
        history: [{ created_by: "x", empty_layer: true, extra: 1 }],
      },
    );
    expect(manifestJson).toBe(
      `{"config":{"digest":"d","mediaType":"m","size":1},"layers":[{"digest":"${layer.digest}","mediaType":"${layer.mediaType}","size":10}],"schemaVersion":2}`,
    );
    expect(configJson).toBe(
      '{"architecture":"amd64","config":{"Cmd":[],"Labels":{"a":"1","b":"2"},"Volumes":{"/v":{}}},"history":[{"created_by":"x","empty_layer":true}],' +
        `"os":"linux","rootfs":{"diff_ids":["${rootfs.diff_ids[0] ?? ""}"],"type":"layers"}}`,
    );
  });

  it.each([
    ["2024-01-02T03:04:05Z", 1704164645],
    ["2024-01-02T03:04:05.999999999Z", 1704164645],
    ["2024-01-02t05:04:05+02:00", 1704164645],
    ["1969-12-31T23:59:59Z", undefined],
    ["yesterday", undefined],
    ["2024-13-02T03:04:05Z", undefined],
    ["2024-01-02", undefined],
  ])("created %s", (created, seconds) => {
    expect(read({}, { created }).createdSeconds).toBe(seconds);
    expect(
      read({ annotations: { "org.opencontainers.image.created": created } }, { created: "2000-01-01T00:00:00Z" })
        .createdSeconds,
    ).toBe(seconds);
  });

  it.each([
    ["no JSON", "{", { rootfs }],
    ["a list", [], { rootfs }],
    ["no layers", { layers: [] }, { rootfs: { diff_ids: [] } }],
    ["another number of layers", { layers: [layer, layer] }, { rootfs }],
  ])("refuses %s", (_, manifest, config) => {
    expect(() => readImageDocuments(bytes(manifest), bytes(config))).toThrow(
      expect.objectContaining({ code: "BAD_IMAGE" }),
    );
  });
});
