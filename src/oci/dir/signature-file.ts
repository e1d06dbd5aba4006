// Signatures in `dir:` as containers/image writes them (internal/signature): signature-N, for the members of an index
// HEX.signature-N. A zero byte, `sigstore-json`, a line feed, then the layer of a `.sig` manifest as JSON. Signatures of
// OpenPGP stand there without this beginning, and are not read.
import { readFile, stat } from "node:fs/promises";
import { parseJson } from "../../base/json.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { asObject, asString, asStringMap, at, type Place, refuse } from "../json.ts";
import { MAX_SIGNATURES } from "../signature/attached.ts";
import { decodeBase64, encodeBase64 } from "../signature/base64.ts";

const MAGIC = "\0sigstore-json\n";
/** Real ones have a kilobyte, with certificates ten; payloads alone are capped by whoever reads them. */
const MAX_FILE_BYTES = 512 * 1024;

export interface SignatureFile {
  /** As a `.sig` manifest names it. */
  readonly layer: Descriptor;
  readonly payload: Uint8Array;
}

export function encodeSignatureFile({ layer, payload }: SignatureFile): Uint8Array {
  const { mediaType: mimeType, annotations = {} } = layer;
  return Buffer.from(MAGIC + JSON.stringify({ mimeType, payload: encodeBase64(payload), annotations }));
}

/** PREFIX1, PREFIX2, up to the first that is not there. Throws OciError BAD_MANIFEST, LIMIT. */
export async function readSignatureFiles(prefix: string): Promise<readonly SignatureFile[]> {
  const found: SignatureFile[] = [];
  for (let number = 1; number <= MAX_SIGNATURES; number++) {
    const path = `${prefix}${number}`;
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined) break;
    if (size > MAX_FILE_BYTES)
      throw new OciError("LIMIT", `cannot read ${path}: ${size} bytes, more than ${MAX_FILE_BYTES}`);
    const signature = decodeSignatureFile(await readFile(path), path);
    if (signature !== undefined) found.push(signature);
  }
  return found;
}

/** Undefined for another kind of signature. Throws OciError BAD_MANIFEST. */
export function decodeSignatureFile(bytes: Uint8Array, document: string): SignatureFile | undefined {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.startsWith(MAGIC)) return undefined;
  const place: Place = { document, path: "" };
  const object = asObject(parse(text.slice(MAGIC.length), place), place);
  const base64 = asString(object["payload"], at(place, "payload"));
  const payload = decodeBase64(base64) ?? refuse(at(place, "payload"), "base64", base64);
  const annotations = asStringMap(object["annotations"] ?? {}, at(place, "annotations"));
  const blob = describeBytes(asString(object["mimeType"], at(place, "mimeType")), payload);
  return { layer: { ...blob, annotations }, payload };
}

function parse(text: string, place: Place): unknown {
  try {
    return parseJson(text);
  } catch {
    return refuse(place, "JSON", text.slice(0, 40));
  }
}
