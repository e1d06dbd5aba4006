// `slipway registry serve`: the embedded registry in the foreground, until it is interrupted.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../base/errors.ts";
import { openDirectRegistry } from "../../../oci/index.ts";
import {
  parseMirrorHost,
  parseUpstream,
  reachableFrom,
  type RegistryOptions,
  RegistryServerError,
  RemoteUpstream,
  startRegistry,
  type TextFile,
  type Upstream,
} from "../../../registry/index.ts";
import type { CommandFunction } from "../../app.ts";
import type { Context } from "../../context.ts";
import { settingsOptionsOf } from "../../settings.ts";
import { VERSION } from "../../version.ts";

interface Options {
  readonly root?: string;
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly htpasswd?: string;
  readonly permissions?: string;
  readonly anonymousRead?: boolean;
  readonly anonymousWrite?: boolean;
  readonly insecure?: boolean;
  readonly mirror?: readonly string[];
  readonly mirrorHost?: readonly string[];
  readonly readOnly?: boolean;
  readonly metrics?: boolean;
  readonly gcInterval: string;
  readonly gcGrace: string;
  readonly stopGrace: string;
  readonly log: boolean;
}

export const registryServe: CommandFunction = async (context, _args, rawOptions) => {
  const options = rawOptions as unknown as Options;
  const stopGraceMs = seconds("--stop-grace", options.stopGrace);
  await using upstreams = openUpstreams(context, options, rawOptions);
  const registry = await startRegistry({ ...(await readOptions(context, options)), upstreams: upstreams.list });
  context.stderr(`registry on ${registry.url}, Ctrl-C stops it\n`);
  await aborted(context.signal);
  context.stderr("stopping: running requests finish first\n");
  await registry.stop(stopGraceMs);
  return { text: "", data: { url: registry.url } };
};

async function readOptions(context: Context, options: Options): Promise<RegistryOptions> {
  const htpasswd = await readText(options.htpasswd);
  const permissions = await readText(options.permissions);
  const cert = await readText(options.tlsCert);
  const key = await readText(options.tlsKey);
  if ((cert === undefined) !== (key === undefined)) throw badOption("--tls-cert and --tls-key go together");
  return {
    ...parseListen(options.listen),
    root: options.root ?? join(context.storePath, "registry"),
    ...(cert === undefined || key === undefined ? {} : { tls: { cert: cert.text, key: key.text } }),
    ...(htpasswd === undefined ? {} : { htpasswd }),
    ...(permissions === undefined ? {} : { permissions }),
    anonymousRead: options.anonymousRead === true,
    anonymousWrite: options.anonymousWrite === true,
    insecure: options.insecure === true,
    readOnly: options.readOnly === true,
    showMetrics: options.metrics === true,
    graceMs: seconds("--gc-grace", options.gcGrace),
    collectEveryMs: seconds("--gc-interval", options.gcInterval),
    onRequest: (line) => {
      if (options.log) context.stderr(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
    },
    onError: (error) =>
      context.stderr(`${JSON.stringify({ time: new Date().toISOString(), error: messageOf(error) })}\n`),
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
  };
}

/** Registries to mirror, with the credentials and certificates of whoever runs this. */
function openUpstreams(
  context: Context,
  options: Options,
  rawOptions: Readonly<Record<string, unknown>>,
): AsyncDisposable & { readonly list: readonly Upstream[] } {
  const added = (options.mirrorHost ?? []).map(parseMirrorHost);
  const registries = (options.mirror ?? []).map((text) => {
    const { host, insecure } = parseUpstream(text);
    const settings = settingsOptionsOf(context, rawOptions);
    const registry = openDirectRegistry({
      registry: host,
      insecure,
      settings,
      userAgent: `slipway/${VERSION}`,
      mayReach: reachableFrom(host, added),
    });
    return { host, registry };
  });
  return {
    list: registries.map(({ host, registry }) => new RemoteUpstream(host, registry)),
    [Symbol.asyncDispose]: async () => {
      for (const { registry } of registries) await registry[Symbol.asyncDispose]();
    },
  };
}

/** HOST:PORT, [IPv6]:PORT or :PORT, which means all addresses. */
function parseListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw badOption(`cannot listen on ${JSON.stringify(text)}: want HOST:PORT, such as 127.0.0.1:5000`);
  const host = bracketed ?? plain ?? "";
  return { host: host === "" ? "::" : host, port };
}

async function readText(path: string | undefined): Promise<TextFile | undefined> {
  if (path === undefined) return undefined;
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (cause) {
    throw new RegistryServerError("BAD_OPTION", `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function seconds(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0 || value > 1e9)
    throw badOption(`cannot use ${option} ${JSON.stringify(text)}: want a number of seconds`);
  return Math.round(value * 1000);
}

function badOption(message: string): RegistryServerError {
  return new RegistryServerError("BAD_OPTION", message, { hint: "See slipway registry serve --help" });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
