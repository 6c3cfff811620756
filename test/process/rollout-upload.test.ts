import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rsyncCommand, upload } from "../../components/rollout/upload.ts";
import type { UploadOptions } from "../../components/rollout/upload.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rollout-upload-"));
  mkdirSync(join(directory, "app/src"), { recursive: true });
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});
const options = (to: string, changes: Partial<UploadOptions> = {}): UploadOptions => ({
  node: "web1",
  from: join(directory, "app"),
  paths: [],
  target: `${join(directory, to)}/`,
  shell: [],
  onProgress: () => undefined,
  linkFrom: [],
  signal: new AbortController().signal,
  ...changes,
});
const write = (path: string, content: string, mode = 0o644): void => {
  writeFileSync(join(directory, "app", path), content);
  chmodSync(join(directory, "app", path), mode);
};

test("files arrive with their bytes and one of two modes, links as links, and nothing else with them", async () => {
  write("src/wsgi.py", "application = 1", 0o600);
  write("bin", "#!/bin/sh", 0o700);
  write("with space\u00e9;$(x)", "odd");
  write("not-shipped", "secret");
  symlinkSync("src/wsgi.py", join(directory, "app/link"));
  const paths = ["bin", "link", "src/wsgi.py", "with space\u00e9;$(x)"];
  expect((await upload(options("r1", { paths }))).files).toBe(3);
  const at = (path: string): string => join(directory, "r1", path);
  expect(readFileSync(at("src/wsgi.py"), "utf8")).toBe("application = 1");
  expect(readFileSync(at("with space\u00e9;$(x)"), "utf8")).toBe("odd");
  expect(readlinkSync(at("link"))).toBe("src/wsgi.py");
  expect([at("src/wsgi.py"), at("bin"), at("src")].map((path) => statSync(path).mode & 0o777)).toEqual([0o644, 0o755, 0o755]);
  expect(() => statSync(at("not-shipped"))).toThrow("ENOENT");
});

test("an equal file is linked from an earlier release, a different one of the same size and time is sent", async () => {
  const time = new Date("2026-01-01T00:00:00Z");
  write("same", "same");
  write("changed", "v1");
  await upload(options("r1", { paths: ["same", "changed"] }));
  write("changed", "v2");
  for (const path of ["app/changed", "r1/changed"]) utimesSync(join(directory, path), time, time);
  const sent = await upload(options("r2", { paths: ["same", "changed"], linkFrom: [join(directory, "r1")] }));
  expect(sent.files).toBe(1);
  expect(readFileSync(join(directory, "r2/changed"), "utf8")).toBe("v2");
  expect(readFileSync(join(directory, "r1/changed"), "utf8")).toBe("v1");
  expect(statSync(join(directory, "r2/same")).ino).toBe(statSync(join(directory, "r1/same")).ino);
});

test("a file that disappeared meanwhile fails the upload with rsync's own message", async () => {
  await expect(upload(options("r1", { paths: ["gone"] }))).rejects.toMatchObject({
    details: {
      node: "web1",
      step: "upload",
      code: "upload",
      message: expect.stringContaining("rsync to web1 ended with 23") as string,
    },
  });
});

test("a stopped upload ends at once and says so, with all the processes it started", async () => {
  const stop = new AbortController();
  // As ssh with a jump host: what it started holds its stderr open, and rsync knows nothing of it.
  const shell = ["-e", `sh -c ': >${directory}/started; sleep 60 & wait' sleep`];
  const sending = upload(options("r1", { paths: ["x"], shell, target: "far:/x", signal: stop.signal }));
  while (!existsSync(join(directory, "started"))) await pause(5);
  stop.abort();
  await expect(sending).rejects.toMatchObject({ details: { code: "stopped" } });
});

test("rsync compares by checksum, keeps no times and owners, and takes the paths from stdin", () => {
  expect(rsyncCommand(options("r1", { linkFrom: ["/a", "/b"], from: "/app", target: "t:/x/" })).join(" ")).toBe(
    "rsync --links --perms --chmod=Du=rwx,Dgo=rx,Fu=rwX,Fgo=rX --checksum --from0 --files-from=- --info=progress2,stats2 --outbuf=Line " +
      "--no-human-readable --link-dest=/a --link-dest=/b /app/ t:/x/",
  );
});
