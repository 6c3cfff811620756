#!/bin/sh
# From a clean clone to a site that answers on a local node. Run again: starts stopped nodes, changes nothing else.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"
cd "$ROOT"

if grep -q 'local: *true' stacks/dev.yaml; then
  require_node_host
  step 'System packages' ensure_node_packages
fi
ensure_javascript
ensure_pulumi
step 'Stack dev' ensure_stack
node scripts/local-nodes.ts
node scripts/unlock.ts

up_start=$(now)
pulumi up --yes --skip-preview --stack dev || fail 'pulumi up failed (see above).' \
  'Fix the cause and run npm run up again: it goes on from where it stands.'
node scripts/summary.ts $(($(now) - up_start))
