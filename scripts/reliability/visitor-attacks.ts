import type { Attack } from "./attacks.ts";

/** What visitors do to a site, or an app by asking as one. */
export const visitorAttacks: readonly Attack[] = [
  {
    attack: "visitors open a file of videos' size and hardly read it, until all connections to a site's Apache are theirs",
    holds: "large files have connections of their own, and the site's pages are answered",
    file: "test/nodes/slow-visitors.test.ts",
    test: "those who read a large file slowly leave room for all else of its site",
  },
  {
    attack: "uploads stand still a byte before their end, until there is no room for more",
    holds:
      "bodies of at most 32 kB have room of their own, one for each thread of Varnish: forms and logins of every site arrive",
    file: "test/nodes/slow-visitors.test.ts",
    test: "uploads that stand still fill their store, and forms of every site arrive",
  },
  {
    attack: "answers without end are asked for and never read, until there is no room for more",
    holds: "pages of a known length are answered on every other site; what is made piece by piece is not (docs/limits.md)",
    file: "test/nodes/slow-visitors.test.ts",
    test: "answers that nobody reads fill their store, and pages of another site are answered",
  },
  {
    attack: "requests with 84 kB of headers, each with a body that comes by the byte",
    holds: "they take half of the node's memory at most; all threads of Varnish, if there are as many (docs/limits.md)",
    file: "test/nodes/slow-visitors.test.ts",
    test: "Varnish has threads for half of the memory at most, and room for a form for each",
  },
];
