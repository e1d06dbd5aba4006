// `slipway build`.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addPolicyOption, addRegistryOptions, collect } from "./options.ts";

const PULL: readonly string[] = ["always", "missing", "newer", "never"];

export function defineBuild(app: Command, runner: Runner): void {
  const build = app
    .command("build")
    .description("make an image from a Containerfile")
    .argument("[context]", "directory that COPY takes files from", ".")
    .option(
      "-f, --file <file>",
      "Containerfile, - for standard input (default: Containerfile or Dockerfile of the context)",
      collect,
    )
    .option("-t, --tag <name>", "name in the local store (repeatable); without one, prune removes the image", collect)
    .option("--platform <platforms>", "such as linux/amd64,linux/arm64: several make an index (repeatable)", collect)
    .option("--target <stage>", "build only up to this stage")
    .option("--dry-run", "only say which stages and steps there are");
  addInputs(build);
  addResults(build);
  build
    .option("--no-cache", "do every step anew")
    .addOption(
      new Option("--pull [when]", "when base images are pulled").choices(PULL).preset("always").default("missing"),
    )
    .addOption(
      new Option("--network <network>", "network of RUN").choices(["default", "host", "none"]).default("default"),
    )
    .option("-v, --volume <src:dst[:ro]>", "directory of this machine for every RUN (repeatable)", collect)
    .option("--jobs <n>", "RUN steps at once (default: one a platform)")
    .option("-q, --quiet", "print the digest only")
    .addOption(new Option("--driver <tool>", "let another tool build").choices(["podman", "buildah"]))
    .option("--driver-option <name=value>", "option for that tool (repeatable)", collect);
  addRegistryOptions(addPolicyOption(build)).addHelpText("after", HELP);
  const parseOptions = build.parseOptions.bind(build);
  build.parseOptions = (words) => parseOptions(withPullValue(build, words));
  build.action(() => runner(async () => (await import("../commands/build.ts")).build, build));
}

/** As podman and Docker have it, `--pull` takes the next word only if that is a value of it: `--pull .` is a context. */
function withPullValue(build: Command, words: readonly string[]): string[] {
  const end = words.indexOf("--");
  const takesValue = (word: string | undefined): boolean =>
    word !== undefined && build.options.some(({ required, short, long }) => required && [short, long].includes(word));
  return words.map((word, index) => {
    const isBare = word === "--pull" && !PULL.includes(words[index + 1] ?? "");
    return isBare && (end < 0 || index < end) && !takesValue(words[index - 1]) ? "--pull=always" : word;
  });
}

function addInputs(build: Command): void {
  build
    .option("--build-arg <name[=value]>", "value of an ARG; without one that of the environment (repeatable)", collect)
    .option(
      "--build-context <name=value>",
      "a further context: a directory, docker-image://NAME or oci:DIR (repeatable)",
      collect,
    )
    .option("--ignorefile <file>", "what COPY does not see (default: .containerignore or .dockerignore)")
    .option(
      "--secret <spec>",
      "id=NAME,src=FILE or id=NAME,env=VARIABLE for RUN --mount=type=secret (repeatable)",
      collect,
    )
    .option("--ssh <id[=socket]>", "ssh agent for RUN --mount=type=ssh (repeatable)", collect);
}

function addResults(build: Command): void {
  build
    .addOption(new Option("--squash", "make the new layers one").conflicts("squashAll"))
    .option("--squash-all", "make all layers one")
    .option("--label <key=value>", "label of the image (repeatable)", collect)
    .option("--annotation <key=value>", "annotation of the manifest (repeatable)", collect)
    .option("--timestamp <seconds>", "latest time of files and of the image (default: SOURCE_DATE_EPOCH)")
    .option("-o, --output <name>", "write the image there too: oci:DIR[:TAG], oci-archive:FILE … (repeatable)", collect)
    .option("--iidfile <file>", "write the digest to this file");
}

const HELP = `
Secrets are seen by the RUN that mounts them only. Output shows *** in their place, and a step that leaves one behind in a
file, a name or an attribute (as it is, in base64 or URL-encoded; 8 bytes or longer) fails. What a step encodes in another
way cannot be found.

Examples:
  slipway build -t os:1 .
  slipway build -f Containerfile.edge --build-arg FLAVOR=edge --secret id=token,src=token.txt -t edge:1 .
  slipway build --platform linux/amd64,linux/arm64 -t os:1 .
  SOURCE_DATE_EPOCH=0 slipway build -o oci-archive:os.tar .`;
