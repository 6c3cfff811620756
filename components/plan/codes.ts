import { jobRunsAtOnce, mostPrograms } from "../platforms/capacity.ts";
import type { CodeEntry } from "../text/code.ts";

/** Codes for errors that only show when an app's files, its manifest and an environment are combined. */
export const planCodes = {
  "asked-site": {
    rule: "A service of the type app is another site of the environment, on each node of the site that asks for it.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\nservices: {api: {type: app, site: shop}}\n",
    },
    fix: "Name a site of the environment, and place both on the same nodes.",
  },
  "debs-not-allowed": {
    rule: "An app brings Debian packages as files only where the environment allows it for the site.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\ndebs: [vendor/libfoo_1.2_amd64.deb]\n",
    },
    fix: "Add the site to apt.debs of the environment, or name packages of the distribution.",
  },
  "external-service": {
    rule: "A service that somebody else runs has a place with what its type takes; one of a type that no node runs has such a place.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], services: {files: {external: {host: nas.acme.net}}}}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\nservices: {files: {}}\n",
    },
    fix: "Correct its place under the site's services; docs/services.md has what each type takes.",
  },
  "full-node": {
    rule: "The sites of a node may keep at most 5,000 requests waiting at once (8 for each process and thread, at least 16 a site), and together the memory that the environment gives for the node.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], limits: {processes: 256}}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\nprocesses: {threads: 4}\n",
    },
    fix: "Lower limits.processes of its sites, or place some on another node.",
  },
  "job-zone": {
    rule: "The TZ of a site with jobs is UTC or the name of a time zone, as its jobs start by it.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml":
        "name: blog\nrunner: src/wsgi.py\nconfig: {default: {TZ: CET}}\ncron: {digest: {at: '@daily', run: src/wsgi.py}}\n",
    },
    fix: "Name it by its area, such as Europe/Berlin, or write UTC.",
  },
  "missing-config": {
    rule: "The environment gives a site every variable that its manifest requires, and a configuration directory where it requires one.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {required: {STRIPE_KEY: from stripe.com/keys}}\n",
    },
    fix: "Add it to the site's config: a text, or {secret: 1}; a directory as config_dir.",
  },
  "lost-data": {
    rule: "A site finds its data again: it stays on its node, whose machine stays the same; and a protected environment keeps what has data, and the bytes of a version.",
    example: {},
    fix: "Take the change back; moving data is not built yet.",
  },
  "much-work": {
    rule: `A site has at most ${mostPrograms} workers and runs of jobs at once; a job that may overlap counts as ${jobRunsAtOnce} runs.`,
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml":
        "name: blog\nrunner: src/wsgi.py\nworkers: {a: {run: src/wsgi.py, count: 64}, b: {run: src/wsgi.py, count: 64}, c: {run: src/wsgi.py}}\n",
    },
    fix: "Lower their count, or have one of them do the work of several.",
  },
  "no-location": {
    rule: "A site has a location: those of its environment, or else the default_location of its manifest.",
    example: {
      "dev.yaml": "nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1]}\n",
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
    },
    fix: 'Add locations: [blog.acme.net], or ["*"] for every host.',
  },
  "service-name": {
    rule: "A site's services yield different variables, and its roles in PostgreSQL don't begin with pg_, which PostgreSQL keeps for itself.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  pg: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\nservices: {db: {type: postgres}}\n",
    },
    fix: "Give the site or the service another name.",
  },
  "shared-location": {
    rule: "No two sites of a node have the same location.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n  shop: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
    },
    fix: "Give one of them another host or path.",
  },
  "undeclared-config": {
    rule: "The manifest declares each variable that an environment gives the site, as required or with a default; it mentions a configuration directory where the environment gives one.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], config: {SIGNUPS: "on"}}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
    },
    fix: "Delete it, or declare it in the manifest.",
  },
  "unknown-service": {
    rule: "An environment places services that the app asks for.",
    example: {
      "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], services: {db: web1}}\n`,
      "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
    },
    fix: "Delete the line, or add the service to the manifest.",
  },
} as const satisfies Record<string, CodeEntry>;

type Entries = typeof planCodes;

declare module "../text/code.ts" {
  interface Codes extends Entries {}
}
