#!/bin/sh
# Everything that can be checked without running the project: format, types, lint, dead code, agent, shell. Under a minute.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"
cd "$ROOT"

ensure_javascript
# A tool that can't be installed here is skipped, with a note; in CI that is an error.
tools=
for tool in ruff shellcheck; do
  if (step "$tool" "ensure_$tool"); then
    tools="$tools $tool"
  elif [ "${CI:-}" = true ]; then
    fail "In CI nothing may be skipped: $tool."
  else
    note "$tool is skipped."
  fi
done

logs=$(mktemp -d)
parts=
# part NAME COMMAND…: starts it in parallel with the others.
part() {
  parts="$parts $1"
  part_name=$1
  shift
  (
    part_start=$(now) status=0
    "$@" >"$logs/$part_name" 2>&1 </dev/null || status=$?
    echo "$status $(($(now) - part_start))" >"$logs/$part_name.end"
  ) &
}

export PATH="$ROOT/node_modules/.bin:$PATH"
part prettier prettier --check .
part types tsc
part eslint eslint .
part knip knip
for tool in $tools; do part "$tool" "check_$tool"; done
wait

failed=
for part in $parts; do
  read -r status seconds <"$logs/$part.end"
  if [ "$status" -eq 0 ]; then
    say "✓ $part · $seconds s"
  else
    failed="$failed $part"
    say "✗ $part · $seconds s"
    sed 's/^/    /' "$logs/$part"
  fi
done
rm -rf "$logs"
[ -z "$failed" ] || fail "Not clean:$failed"
