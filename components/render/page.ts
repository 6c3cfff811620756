/** What a visitor sees when no app answers: one self-contained page, in light and dark. */
export function errorPage(title: string, text: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>${title}</h1>
<p>${text}</p>
</html>
`;
}

/** VCL lines that send this page from `vcl_synth` (object `resp`) or `vcl_backend_error` (object `beresp`). */
export function pageLines(object: "resp" | "beresp", page: string, extra: string[] = []): string[] {
  return [
    `set ${object}.http.Content-Type = "text/html; charset=utf-8";`,
    `set ${object}.http.Cache-Control = "no-store";`,
    ...extra,
    `synthetic({"${page}"});`,
    "return (deliver);",
  ];
}

/** Lines of VCL, indented. */
export function indent(lines: string[], by = "  "): string {
  return lines.map((line) => by + line).join("\n");
}
