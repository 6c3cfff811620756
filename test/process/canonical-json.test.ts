import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { canonicalJson } from "../../components/render/canonical-json.ts";

test("canonical JSON equals Python's json with sorted keys and no spaces", () => {
  const value = { b: [1, 2.5, true, null], a: { "é\u2028": 'x"\n', A: "" }, "10": 1, "9": 2 };
  const python =
    "import json, sys; v = json.load(sys.stdin); print(json.dumps(v, sort_keys=True, separators=(',', ':'), ensure_ascii=False), end='')";
  expect(canonicalJson(value)).toBe(execFileSync("python3", ["-c", python], { input: JSON.stringify(value), encoding: "utf8" }));
});
