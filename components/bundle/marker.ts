/** Variables of a marker: https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers */
const VARIABLE =
  "python_version|python_full_version|os_name|sys_platform|platform_release|platform_system|platform_version|platform_machine|platform_python_implementation|implementation_name|implementation_version|extra";
const TOKEN = new RegExp(
  `\\s*(?:(\\(|\\))|(and|or)\\b|((?:not\\s+)?in\\b|[<>=!~]=?=?)|((?:${VARIABLE})\\b|"[^"]*"|'[^']*'))`,
  "y",
);

/** Whether a text is an environment marker. */
export function isMarker(text: string): boolean {
  const kinds = tokens(text.trim());
  if (kinds === undefined) return false;
  // Each comparison becomes one value; the rest reduces to one value if the parentheses match.
  let form = kinds.replace(/vcv/g, "b");
  for (let before = ""; form !== before;) {
    before = form;
    form = form.replace(/\(b\)/g, "b").replace(/bjb/g, "b");
  }
  return form === "b";
}

/** One letter per token: parenthesis, joint, comparison, value; undefined for anything else. */
function tokens(text: string): string | undefined {
  let kinds = "";
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [, parenthesis, joint, comparison] = TOKEN.exec(text) ?? [undefined];
    if (TOKEN.lastIndex === 0) return undefined;
    kinds += parenthesis ?? (joint !== undefined ? "j" : comparison !== undefined ? "c" : "v");
  }
  return kinds;
}
