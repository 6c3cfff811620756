/** Set up before each file of the unit layer: what starts a process there fails, however deep it stands, and says where it belongs. */
import { vi } from "vitest";

vi.mock("node:child_process", async (original) => {
  const refuse = (): never => {
    throw new Error("a unit test starts no process: move it to test/process");
  };
  return Object.fromEntries(Object.keys(await original<object>()).map((name) => [name, refuse]));
});
