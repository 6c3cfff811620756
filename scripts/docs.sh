#!/bin/sh
# Writes the generated parts of docs/: npm run docs.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"
cd "$ROOT"

ensure_javascript
exec node scripts/docs.ts
