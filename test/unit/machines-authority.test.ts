import { expect, test } from "vitest";
import { howToTrust } from "../../components/machines/authority.ts";
import { cloneOf } from "../../components/machines/clone.ts";

test("how to trust the checkout's authority is told where a site is at https, and once there is one", () => {
  const clone = { ...cloneOf("."), authority: { certificate: import.meta.filename, key: "" } };
  const [line = "", ...others] = howToTrust(clone, ["http://10.0.0.2/", "https://blog.test/"]);
  expect(line).toContain(import.meta.filename);
  expect(others).toEqual([]);
  expect(howToTrust(clone, ["http://blog.test/"])).toEqual([]);
  expect(howToTrust({ ...clone, authority: { certificate: "/nowhere", key: "" } }, ["https://blog.test/"])).toEqual([]);
});
