/**
 * Names that never belong to a bundle, at any depth: version control, what Python and its tools write while an app is
 * tried out, and what editors and file managers leave behind. The list is fixed on purpose: what an app ships must not depend
 * on a person's own settings.
 */
const ignored = [
  /^\.(git|hg|svn|bzr)$/,
  /^__pycache__$/,
  /\.py[co]$/,
  /^\.(pytest_cache|mypy_cache|ruff_cache|tox|coverage)$/,
  /^\.(idea|vscode|DS_Store|directory)$/,
  /^(Thumbs\.db|desktop\.ini)$/,
  /~$/,
  /^\..*\.sw[a-z]$/,
  /^\.#/,
  /^#.*#$/,
];

/** Whether a file or directory of this name is left out of every bundle. */
export function isIgnored(name: string): boolean {
  return ignored.some((pattern) => pattern.test(name));
}
