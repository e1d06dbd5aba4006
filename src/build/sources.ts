// Where COPY --from and RUN --mount=from= take files: the context, a directory given by name, a stage or an image. Each is
// opened once for a build.
import type { BuildServices, BuildRequest } from "./request.ts";
import { BuildError } from "./error.ts";
import { formatPlatform, type Platform } from "../oci/index.ts";
import type { ContentDigests, ContextSource } from "./copy/index.ts";
import type { Origin, Stage } from "./plan.ts";
import type { Root } from "./root/index.ts";
import type { Workshop } from "./workshop.ts";

export interface Files {
  readonly source: ContextSource;
  /** Of a directory of this machine. */
  readonly directory?: string;
  /** Of a stage or an image. */
  readonly root?: Root;
}

export class Sources {
  readonly #request: BuildRequest;
  readonly #services: BuildServices;
  readonly #workshop: Workshop;
  readonly #stageRoot: (index: number) => Promise<Root>;
  readonly #digests: () => Promise<ContentDigests>;
  readonly #opened = new Map<string, Promise<Files>>();

  constructor(
    request: BuildRequest,
    services: BuildServices,
    workshop: Workshop,
    stageRoot: (index: number) => Promise<Root>,
    digests: () => Promise<ContentDigests>,
  ) {
    this.#request = request;
    this.#services = services;
    this.#workshop = workshop;
    this.#stageRoot = stageRoot;
    this.#digests = digests;
  }

  context(): Promise<Files> {
    return this.#once("", () => this.#directory(this.#request.context, this.#request.ignore));
  }

  /** For an image the platform counts. Throws BuildError, OciError. */
  open(origin: Origin, stage: Stage): Promise<Files> {
    const { kind } = origin;
    switch (kind) {
      case "scratch":
        throw new BuildError("BAD_VALUE", "cannot take files from scratch: it has none");
      case "stage":
        return this.#once(`stage ${origin.index}`, async () =>
          this.#root(await this.#stageRoot(origin.index), `stage ${origin.index}`),
        );
      case "context": {
        const named = this.#request.contexts.get(origin.name);
        if (named?.kind === "directory")
          return this.#once(`context ${origin.name}`, () => this.#directory(named.path, named.ignore));
        return this.#image(named?.reference ?? origin.name, stage.platform);
      }
      case "image":
        return this.#image(origin.reference, stage.platform);
    }
  }

  #image(reference: string, platform: Platform): Promise<Files> {
    return this.#once(`image ${reference} ${formatPlatform(platform)}`, async () => {
      const { image } = await this.#services.openBase(reference, platform);
      return this.#root(this.#workshop.root(image.layers), `image ${reference}`);
    });
  }

  async #directory(path: string, ignore: BuildRequest["ignore"]): Promise<Files> {
    const { directoryContext } = await import("./copy/index.ts");
    const everything = { excludes: () => false, prunes: () => false };
    return {
      source: directoryContext(path, ignore ?? everything, { digests: await this.#digests() }),
      directory: path,
    };
  }

  async #root(root: Root, description: string): Promise<Files> {
    const { rootContext } = await import("./copy/index.ts");
    return { source: rootContext(root, description, { digests: await this.#digests() }), root };
  }

  #once(key: string, open: () => Promise<Files>): Promise<Files> {
    const opened = this.#opened.get(key) ?? open();
    this.#opened.set(key, opened);
    return opened;
  }
}
