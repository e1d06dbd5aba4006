export { type Labeller, loadLabeller } from "./labeller.ts";
