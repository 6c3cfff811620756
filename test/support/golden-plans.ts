import type { Plan } from "../../components/plan/plan.ts";
import { planned } from "./plan-of.ts";

/** The environments whose files are kept as golden files: the smallest one, and one with all that rendering tells apart. */
export const goldenPlans: Record<string, Plan> = {
  hello: planned({
    "dev.yaml":
      'nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  hello: {app: apps/hello, nodes: [web1], locations: ["*"]}\n',
    "apps/hello/app.yaml": "name: hello\nversion: 1.0.0\nrunner: src/wsgi.py\n",
  }),
  blog: planned({
    "dev.yaml": `trust_proxies: [10.1.0.0/16, "2001:DB8::/32", 192.0.2.7]
nodes:
  web1: {local: true, os: ubuntu-24.04, memory: 64G}
  data1: {local: true, os: debian-13, roles: [service]}
sites:
  blog-two:
    app: apps/blog
    nodes: [web1]
    locations: [blog.acme.net, acme.net/blog, .acme.org/b.log]
    config: {SIGNUPS: "off", STRIPE_KEY: {secret: 3}, TZ: "Europe/Berlin"}
    limits: {processes: 40, memory: 1G}
  every:
    app: apps/every
    nodes: [web1]
    locations: ["*", "*/shared"]
    config: {TZ: "America/New_York", LC_TIME: "de_DE.UTF-8", PYTHONWARNINGS: "@ROOT@ 100% \\"\\\\", LC_ALL: {secret: 1}, GREETING: hi}
  pages: {app: apps/pages, nodes: [web1], locations: [pages.acme.net, acme.net/pages]}
`,
    "apps/blog/app.yaml": `name: blog
version: 1.5.0-rc.1
runner: src/blog/wsgi.py
packages: [python3-psycopg2, libjpeg62-turbo]
config: {required: {STRIPE_KEY: from stripe.com/keys}, default: {SIGNUPS: "on"}}
processes: {count: 4, threads: 2, memory: 300M, requests: 1000}
timeouts: {request: 60s, start: 2m, drain: 5m}
workers: {mail: {run: bin/mailer --from=a%b@acme.net, count: 2, stop: 10m}, thumbnails: {run: bin/thumbnails.py, memory: 1G}}
cron: {digest: {at: "15 3 1,15 * mon-fri", run: bin/digest --all, timeout: 10m}, often: {at: "*/5 8-18/2 * * *", run: bin/often.py, overlap: allow, memory: 64M}}
`,
    "apps/every/app.yaml":
      "name: every\nrunner: wsgi.py\nconfig: {default: conf, checker: every.config:check}\nservices: {db: {type: postgres}, files: {quota: 2G}, writable_root: {}}\n",
    "apps/pages/app.yaml": "name: pages\nversion: 1.0.0\nplatform: static\n",
  }),
  https: planned({
    "dev.yaml": `trust_proxies: [10.1.0.0/16]
https: {authority: local, hsts: 180d}
nodes:
  web1: {local: true, os: ubuntu-24.04}
sites:
  blog: {app: apps/blog, nodes: [web1], locations: [blog.acme.net, acme.net/blog, .acme.org]}
  hello: {app: apps/hello, nodes: [web1], locations: ["*"]}
`,
    "apps/blog/app.yaml": "name: blog\nversion: 1.0.0\nrunner: src/wsgi.py\n",
    "apps/hello/app.yaml": "name: hello\nversion: 1.0.0\nplatform: static\n",
  }),
  php: planned({
    "dev.yaml": `nodes:
  web1: {local: true, os: ubuntu-24.04}
  web2: {local: true, os: debian-13}
sites:
  front: {app: apps/front, nodes: [web1, web2], locations: [front.acme.net, acme.net/front]}
  scripts: {app: apps/scripts, nodes: [web1], locations: ["*", "*/scripts"], limits: {processes: 40}}
  old: {app: apps/old, nodes: [web1], locations: [old.acme.net]}
`,
    "apps/front/app.yaml":
      "name: front\nrunner: index.php\npackages: [php-gd]\nprocesses: {count: 4, memory: 128M, requests: 500}\ntimeouts: {request: 60s, drain: 5m}\n",
    "apps/scripts/app.yaml":
      "name: scripts\nphp_root: www\nconfig: {default: conf, checker: bin/check.php}\nservices: {postgres: {}}\n",
    "apps/old/app.yaml":
      'name: old\nversion: 1.0.0\nplatform: php\nrunner: site/run/runner.php\nphp_root: site\nservices: {writable_root: {}}\nworkers: {queue: {run: bin/queue}}\ncron: {clean: {at: "@weekly", run: bin/clean}}\n',
  }),
};
