export { FileContexts } from "./file-contexts.ts";
export { Labeller, loadLabeller } from "./labeller.ts";
