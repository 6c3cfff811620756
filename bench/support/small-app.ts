import type { Files } from "../../test/support/engine.ts";

/** A Python app of one process that answers everything with its name. */
export const smallApp = (name: string): Files => ({
  [`apps/${name}/app.yaml`]: `name: ${name}\nversion: 1.0.0\nrunner: src/wsgi.py\nprocesses: { count: 1 }\n`,
  [`apps/${name}/src/wsgi.py`]: `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${name}"]
`,
});
