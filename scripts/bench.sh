#!/bin/sh
# Measures what the project promises in seconds and megabytes: npm run bench [-- NAME… --runs N].
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"
cd "$ROOT"

if [ "$(id -u)" -eq 0 ]; then step 'System packages' ensure_node_packages; fi
ensure_javascript
ensure_pulumi
exec node bench/main.ts "$@"
