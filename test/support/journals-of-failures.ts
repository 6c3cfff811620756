// A set-up file of the node tests: when a test fails, it says what the nodes logged that it uses. They are gone once its file has ended.
import { beforeEach, onTestFailed } from "vitest";
import { tellJournals } from "./journals.ts";

beforeEach(() => {
  onTestFailed(tellJournals);
});
