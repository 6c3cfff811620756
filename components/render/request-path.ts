/** What needs no encoding in a path (RFC 3986, unreserved), encoded all the same. */
const needlessly = "%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])";

/** More segments than this are not searched for dots: Varnish would give up at some 500, and answer 503. */
const segmentsMax = 256;

/**
 * VCL lines for `vcl_recv` that give the request's path its one form: only what needs encoding is encoded, slashes are single,
 * and dots are resolved (RFC 3986, 6.2.2). An encoded slash stays one: it is part of a name, and never separates. The query stays
 * as it is. Needs the modules `std` and `blob`.
 *
 * Routes, Apache and the app all see this form, so that no two of them can understand a path differently. A change of the request
 * is undone when the top VCL hands it over: both VCLs have these lines. Nearly every request leaves at the first `if`.
 */
export function normalPathLines(): string[] {
  return [
    `if (req.url ~ "//|/\\.|${needlessly}") {`,
    '  set req.http.X-Silver-Query = regsub(req.url, "^[^?#]*+", "");',
    '  set req.url = regsub(req.url, "[?#].*", "");',
    "  # Apache answers neither of the two. Encoded slashes take the place of the first for a moment.",
    '  if (req.url ~ "%(?:00|(?![0-9A-Fa-f]{2}))") {',
    "    return (synth(400));",
    "  }",
    `  if (req.url ~ "${needlessly}") {`,
    '    set req.url = regsuball(req.url, "%2[Ff]", "%00");',
    "    set req.url = blob.transcode(decoding=URL, encoding=URL, case=UPPER, encoded=req.url);",
    '    set req.url = regsuball(regsuball(req.url, "%2F", "/"), "%00", "%2F");',
    "  }",
    '  set req.url = regsub(req.url, "(/\\.\\.?)$", "\\1/");',
    '  set req.url = regsuball(regsuball(req.url, "/\\.(?=/)", ""), "//++", "/");',
    '  if (req.url ~ "/\\.\\./") {',
    `    if (req.url ~ "^(?:/[^/]*+){${segmentsMax}}") {`,
    "      return (synth(400));",
    "    }",
    "    # A name, pairs of a name and its dots, and the dots that take the name back.",
    '    set req.url = regsuball(req.url, "(/(?!\\.\\./)[^/]++(?1)*+/\\.\\.(?=/))", "");',
    '    set req.url = regsub(req.url, "^(?:/\\.\\.(?=/))++", "");',
    "  }",
    "  set req.url = req.url + req.http.X-Silver-Query;",
    "  unset req.http.X-Silver-Query;",
    "}",
  ];
}
