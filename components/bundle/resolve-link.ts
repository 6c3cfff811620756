import { lstatSync, readlinkSync } from "node:fs";
import path from "node:path";

/** Where a link of an app ends: at a path within the app, outside it, or nowhere. */
export type LinkEnd = { inside: string } | "outside" | "nowhere";

/** As the kernel does: more than 40 links in a row are a loop. */
const mostLinks = 40;

/**
 * Follows a link step by step. Leaving the app and entering again by the directory's own name counts as outside: on a node that
 * directory has another name.
 *
 * @param app The app's directory, absolute.
 * @param link The link's path in it.
 */
export function resolveLink(app: string, link: string): LinkEnd {
  const steps = link.split("/");
  const at: string[] = [];
  for (let links = 0; steps.length > 0;) {
    const step = steps.shift() ?? "";
    if (step === "" || step === ".") continue;
    if (step === "..") {
      if (at.pop() === undefined) return "outside";
      continue;
    }
    const absolute = path.join(app, ...at, step);
    const stats = lstatSync(absolute, { throwIfNoEntry: false });
    if (stats === undefined || (steps.length > 0 && stats.isFile())) return "nowhere";
    if (!stats.isSymbolicLink()) {
      at.push(step);
    } else {
      const target = readlinkSync(absolute);
      if (path.isAbsolute(target)) return "outside";
      if (++links > mostLinks) return "nowhere";
      steps.unshift(...target.split("/"));
    }
  }
  return { inside: at.join("/") };
}
