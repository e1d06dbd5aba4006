// The machine's settings as one value. Nothing is read before it is asked for; registries.conf is read once, auth files
// each time, since a login of another process may have changed them.
import { readCertificates } from "./certs-d.ts";
import { helperRunner } from "./credential-helper.ts";
import { lookUpCredentials } from "./credentials.ts";
import { pullEndpoints, pushEndpoint } from "./endpoints.ts";
import { placesOf } from "./places.ts";
import { readRegistries, type Registries } from "./registries.ts";
import { readRegistriesD, type RegistriesD, usesAttachments } from "./registries-d.ts";
import { expandShortName } from "./short-names.ts";
import type { Endpoint, Settings, SettingsOptions } from "./types.ts";

export function openSettings(options: SettingsOptions): Settings {
  const places = placesOf(options);
  const runHelper = options.runHelper ?? helperRunner(options.env);
  const notify = options.notify ?? (() => undefined);
  let reading: Promise<Registries> | undefined;
  let registriesD: Promise<RegistriesD> | undefined;
  const registries = (): Promise<Registries> => (reading ??= readRegistries(places));
  // --tls-verify outranks `insecure` in both directions.
  const withTlsVerify = (endpoint: Endpoint): Endpoint =>
    options.tlsVerify === undefined ? endpoint : { ...endpoint, insecure: !options.tlsVerify };
  return {
    async credentials(registry, repository) {
      const { credentialHelpers: helpers, helpersOrigin } = await registries();
      const sources = { files: places.authFiles, helpers, helpersOrigin, runHelper, notify };
      return lookUpCredentials(sources, registry, repository);
    },
    async endpoints(registry, repository, kind) {
      return pullEndpoints((await registries()).tables, registry, repository, kind).map(withTlsVerify);
    },
    async pushEndpoint(registry, repository) {
      return withTlsVerify(pushEndpoint((await registries()).tables, registry, repository));
    },
    async usesAttachments(scopes) {
      return usesAttachments(await (registriesD ??= readRegistriesD(places)), scopes);
    },
    async tls(registry) {
      return { ...(await readCertificates(places, registry)), verify: options.tlsVerify !== false };
    },
    async shortNameCandidates(name) {
      const { candidates, explanation } = expandShortName(name, await registries(), options.storeDescription);
      if (explanation !== undefined) notify(explanation);
      return candidates;
    },
  };
}
