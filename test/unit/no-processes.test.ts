import { expect, test } from "vitest";
import { runCommand } from "../../components/machines/run-command.ts";

test("nothing in this layer starts a process, however deep it stands", async () => {
  await expect(async () => runCommand(["true"])).rejects.toThrow("move it to test/process");
});
