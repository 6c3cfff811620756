import type { Files } from "./engine.ts";

/** A WSGI app whose pages show what the tests ask: the greeting, and a digest of a variable. */
export const greeter = (greeting: string): Files => ({
  "apps/greeter/app.yaml": "name: greeter\nversion: 1.0.0\nrunner: wsgi.py\ncheck: { path: /health, within: 20s }\n",
  "apps/greeter/wsgi.py": `import hashlib, os
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/variable":
        return [hashlib.sha256(os.environ.get("API_KEY", "").encode()).hexdigest().encode()]
    return [b"${greeting}"]
`,
});
