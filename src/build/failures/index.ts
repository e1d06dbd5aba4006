export { explainFailure, type FailureExplanation } from "./explain.ts";
