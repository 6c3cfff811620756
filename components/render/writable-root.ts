import type { SitePlan } from "../plan/plan.ts";
import { asFile, toDirectory } from "../platforms/apache.ts";

/** Where the agent puts the service writable_root. */
const writable = "@WRITABLE@";

/** A name of a host that is also one of a directory, without its port. */
const hostName = "^([a-z0-9_-]+(?:\\.[a-z0-9_-]+)*)(?::[0-9]+)?$";

const hasWritableRoot = ({ services = [] }: SitePlan): boolean => services.some(({ type }) => type === "writable_root");

/** Serves what an app has written as plain files: nothing in them runs, and nothing in them configures Apache. */
export function writableFiles(site: SitePlan): string[] {
  if (!hasWritableRoot(site)) return [];
  return [
    `<Directory "${writable}">`,
    "  # An app may unpack what visitors sent: no link is followed, to the app's own secrets least of all, and nothing is configured here.",
    "  Options None",
    "  Require all granted",
    "  AddDefaultCharset utf-8",
    "  FileETag MTime Size",
    "  Header set Cache-Control \"max-age=0, must-revalidate\" \"expr=%{REQUEST_STATUS} -in {'200','206','304'}\"",
    "  Header always set X-Content-Type-Options nosniff",
    `  Header always set X-Silver-Release "${site.name} @RELEASE@"`,
    "</Directory>",
  ];
}

/** Rules below a mount: the host's own directory first, then that of all hosts; in each a file, then a directory's index.html. */
export function writableRules(site: SitePlan, at: string): string[] {
  if (!hasWritableRoot(site)) return [];
  return [...rules(at, `${writable}/%1`, [`RewriteCond "%{HTTP_HOST}" "${hostName}"`]), ...rules(at, writable, [])];
}

function rules(at: string, directory: string, first: string[]): string[] {
  // No web server shows a name that begins with a dot, except what proves who has the host.
  const conditions = ['RewriteCond "$1" "!(^|/)\\.(?!well-known/)"', ...first];
  const root = `${directory}/$1`;
  return [
    ...conditions,
    `RewriteCond "${root}" -f`,
    `RewriteRule "^${at}/(.+)$" - "[L,${asFile(root)}]"`,
    ...conditions,
    `RewriteCond "${root}/index.html" -f`,
    ...toDirectory(`^${at}/(.*[^/])$`),
    ...conditions,
    `RewriteCond "${root}index.html" -f`,
    `RewriteRule "^${at}/(|.*/)$" - "[L,${asFile(`${root}index.html`)}]"`,
  ];
}
