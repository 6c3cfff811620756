import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "./stage.ts";

/**
 * Copies of `apps/guestbook` under names of their own.
 * @param root gets `apps/`
 * @returns their directories below `root`
 */
export function guestbooks(root: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `book${index}`;
    const app = `apps/${name}`;
    cpSync(join(checkout, "apps/guestbook"), join(root, app), { recursive: true });
    const manifest = join(root, app, "app.yaml");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace("name: guestbook", `name: ${name}`));
    return app;
  });
}
