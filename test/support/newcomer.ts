import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { capture, type Captured } from "./capture.ts";

/** A person's machine before the project was tried on it: a checkout, an empty home, a PATH that holds the system alone. */
export interface Newcomer {
  checkout: string;
  home: string;
  /** The cache of the project's scripts. */
  cache: string;
  /** First directory on PATH, for programs that this machine has. */
  bin: string;
  /** Puts an executable sh script into a directory. */
  install: (directory: string, name: string, body: string) => string;
  /** Runs sh words after sourcing scripts/bootstrap.sh. */
  run: (words: string, environment?: Record<string, string>) => Promise<Captured>;
}

/** Makes one in a temporary directory, which goes with the test. */
export function newcomer(): Newcomer {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "silver newcomer-")));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const checkout = join(directory, "it's a checkout");
  const home = join(directory, "home");
  const bin = join(directory, "bin");
  const cache = join(home, ".cache/silverlining");
  const project = resolve(import.meta.dirname, "../..");
  for (const path of [join(checkout, "scripts"), home, bin]) mkdirSync(path, { recursive: true });
  for (const name of readdirSync(join(project, "scripts")))
    if (/\.(sh|ts)$/.test(name)) cpSync(join(project, "scripts", name), join(checkout, "scripts", name));
  for (const path of ["package.json", "scripts/node", "tools/engine"])
    cpSync(join(project, path), join(checkout, path), { recursive: true });

  return {
    checkout,
    home,
    cache,
    bin,
    install: (folder, name, body) => {
      mkdirSync(folder, { recursive: true });
      const path = join(folder, name);
      writeFileSync(path, `#!/bin/sh\n${body}\n`);
      chmodSync(path, 0o755);
      return path;
    },
    run: (words, environment = {}) =>
      capture("sh", ["-euc", `. "$ROOT/scripts/bootstrap.sh"\n${words}`], {
        cwd: directory,
        env: { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: home, ROOT: checkout, ...environment },
      }),
  };
}
