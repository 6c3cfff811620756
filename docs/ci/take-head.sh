#!/bin/sh
# Takes apps/ and stacks/*.yaml of one commit into this checkout: what a pull request may change, and none of it is run.
# usage: take-head.sh COMMIT
set -eu
commit=$1

# A link among the environments could show a file of this machine, and a submodule has no files; the bundle judges an app's links.
if git ls-tree -r "$commit" -- apps stacks | grep -E '^160000 |^120000 .*[[:space:]]"?stacks/|^120000 .*[[:space:]]"?apps"?$'; then
  echo "not taken from a pull request: links in stacks/, and submodules" >&2
  exit 1
fi >&2

rm -rf apps stacks/*.yaml
git ls-tree -r -z --name-only "$commit" -- apps stacks >"${TMPDIR:-/tmp}/head-files.$$"
# Attributes of the head would choose filters: those of the base are read from its index.
GIT_INDEX_FILE=$(git rev-parse --absolute-git-dir)/silver-head-index
export GIT_INDEX_FILE
rm -f "$GIT_INDEX_FILE"
git read-tree "$commit"
grep -zE '^apps/|^stacks/[^/]+\.yaml$' "${TMPDIR:-/tmp}/head-files.$$" | git checkout-index -f -z --stdin
rm -f "$GIT_INDEX_FILE" "${TMPDIR:-/tmp}/head-files.$$"
