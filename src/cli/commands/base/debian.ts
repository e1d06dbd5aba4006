// `slipway base debian`: options in, a bootable Debian image in the local store out.
import {
  buildDebianBase,
  type DebianArchitecture,
  type DebianBaseOptions,
  type Kernel,
  type Suite,
} from "../../../build/index.ts";
import { newStoreName, openLocalStore } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { sourceDateEpoch } from "../../usage.ts";

interface Options {
  readonly suite: Suite;
  readonly tag: string;
  readonly include?: readonly string[];
  readonly arch?: DebianArchitecture;
  readonly kernel: Kernel;
  readonly composefs?: boolean;
  readonly aptOption?: readonly string[];
  readonly mirror?: readonly string[];
}

export const baseDebian: CommandFunction = async (context, _args, rawOptions) => {
  const options = rawOptions as unknown as Options;
  const name = newStoreName(options.tag);
  const request: DebianBaseOptions = {
    suite: options.suite,
    ...(options.arch === undefined ? {} : { architecture: options.arch }),
    kernel: options.kernel,
    include: (options.include ?? []).flatMap((list) => list.split(",")).filter((each) => each !== ""),
    composefs: options.composefs === true,
    aptOptions: options.aptOption ?? [],
    mirrors: options.mirror ?? [],
    epochSeconds: sourceDateEpoch(context.env) ?? Math.floor(Date.now() / 1000),
    tag: name,
  };
  const { images } = await openLocalStore(context.storePath);
  const result = await buildDebianBase(request, {
    store: images,
    progress: context.progress,
    signal: context.signal,
  });
  const { manifest, debianVersion, kernelVersion, architecture } = result;
  return {
    text: `${name}  ${manifest.digest}\nDebian ${debianVersion}, ${architecture}, kernel ${kernelVersion}\n`,
    data: { name, manifestDigest: manifest.digest, debianVersion, kernelVersion, architecture },
  };
};
