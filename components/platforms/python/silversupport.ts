import { systems, type SystemName } from "../../systems/systems.ts";
import { programFile } from "../program-file.ts";

const modules = ["__init__", "appdata", "env", "secret"].map((name) => `${name}.py`);

/**
 * The package that apps for Silver Lining of 2010 import, where the system's Python looks last but for its own packages: no release
 * holds it, and an app that brings one has its own.
 */
export function silverSupport(os: SystemName): { path: string; content: string }[] {
  const version = systems[os].python.python.split(".").slice(0, 2).join(".");
  return modules.map((name) => ({
    path: `/usr/local/lib/python${version}/dist-packages/silversupport/${name}`,
    content: programFile(`silversupport/${name}`, import.meta.url),
  }));
}
