import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { backendText, ownerHere } from "../../components/machines/owner.ts";
import { ownerOf } from "../support/owner.ts";

test.each([
  ["https://api.pulumi.com", "https://api.pulumi.com"],
  ["https://api.pulumi.com/", "https://api.pulumi.com"],
  ["https://anna:hunter2@pulumi.acme.net:8080/x?token=hunter2#hunter2", "https://pulumi.acme.net:8080/x"],
  ["s3://acme-pulumi/apps?region=eu-west-1&awssdk=v2&profile=hunter2", "s3://acme-pulumi/apps"],
  ["s3://KEY:hunter2/+@hunter2@acme-pulumi?endpoint=minio.acme.net:9000", "s3://acme-pulumi?endpoint=minio.acme.net:9000"],
  ["s3://acme-pulumi?endpoint=KEY:hunter2@minio", "s3://acme-pulumi"],
  ["azblob://state?storage_account=acme&sas=hunter2", "azblob://state?storage_account=acme"],
  ["postgres://anna:hunter2@db.acme.net/pulumi?sslmode=disable", "postgres://db.acme.net/pulumi"],
  ["file:///srv/state?no_tmp_dir=true", `file:///srv/state on ${hostname()}`],
  ["file://~", expect.stringMatching(/^file:\/\/\/\S+ on /) as string],
  [undefined, "a backend that pulumi did not name"],
])("of the backend %s a person reads %s, and no key to it", (url, text) => {
  expect(backendText(url)).toEqual(text);
  expect(backendText(url)).not.toContain("hunter2");
});

describe("a local node", () => {
  const dev = { ...ownerOf("web1"), name: "silverlining/dev", backend: "file:///app/.silver/state on laptop" };
  test("that nobody has made, or one before owners were kept, is for who asks first", () => {
    expect(ownerHere(undefined, dev)).toEqual(dev);
  });

  test("keeps the id that it knows where the state of its environment was lost, or was moved or renamed", () => {
    for (const change of [{ id: "b".repeat(64) }, { name: "silverlining/main" }, { backend: "s3://acme-pulumi" }])
      expect(ownerHere(dev, { ...dev, ...change })).toEqual({ ...dev, ...change, id: dev.id });
  });

  test("that another environment has made is refused by name, with what to do", () => {
    const staging = { ...dev, id: "b".repeat(64), name: "silverlining/staging" };
    expect(() => ownerHere(dev, staging)).toThrow(
      expect.objectContaining({
        message:
          "node web1 of this checkout is another environment's: silverlining/dev, whose state is in file:///app/.silver/state on laptop",
        fix: "give the node another name in one of the two; or let the other one go: silver destroy dev",
      }) as Error,
    );
  });
});
