// Prints how `pulumi up` ended: what changed, which sites answer where, what to try next. Argument: the seconds it took.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { howToTrust } from "../components/machines/authority.ts";
import { ownClone } from "../components/machines/clone.ts";

/** An entry of the program's output `sites`. */
interface Site {
  /** Id of the release the program declares. */
  declared: string;
  urls: string[];
}

/** What `pulumi … --json` printed. */
function pulumi(...words: string[]): unknown {
  return JSON.parse(execFileSync("pulumi", [...words, "--stack", "dev", "--json"], { encoding: "utf8" }));
}

const root = join(import.meta.dirname, "..");
const { sites = {} } = pulumi("stack", "output") as { sites?: Record<string, Site> };
const [last] = pulumi("stack", "history", "--page-size", "1") as { resourceChanges?: Record<string, number> }[];
const changes = Object.entries(last?.resourceChanges ?? {})
  .filter(([kind]) => kind !== "same")
  .reduce((sum, [, count]) => sum + count, 0);

console.log(`✓ pulumi up · ${changes} ${changes === 1 ? "change" : "changes"} · ${process.argv[2] ?? "?"} s\n`);
for (const [name, { declared, urls }] of Object.entries(sites)) console.log(`  ${name} ${declared}  ${urls.join("  ")}`);
for (const line of howToTrust(
  ownClone(),
  Object.values(sites).flatMap(({ urls }) => urls),
))
  console.log(`\n  ${line}`);
console.log(`
Next:
  1. In this shell:     eval "$(sh ${join(root, "scripts/env.sh")})"
  2. Change TITLE in apps/guestbook/src/guestbook/pages.py, then see what that would do:   pulumi preview
  3. Do it, with no request failing:   silver up   (or plain pulumi up), and reload the page
  silver status tells what runs where; npm test proves the project on this machine; npm run down takes all of this away again.`);
