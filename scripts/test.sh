#!/bin/sh
# Every behaviour once, or the layers that are named: npm test unit golden. `--all` (npm run test:all): what test-all.ts runs.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"
cd "$ROOT"

runner=scripts/test.ts
if [ "${1-}" = --all ]; then
  runner=scripts/test-all.ts
  shift
fi
layers=
for word in "$@"; do
  case $word in unit | process | mocks | golden | engine | upgrade | nodes) layers="$layers $word" ;; esac
done

if [ "$(id -u)" -eq 0 ]; then
  step 'System packages' ensure_node_packages
  case $layers in '' | *engine*) step 'OpenSSH server' ensure_sshd ;; esac
  case $layers in '' | *nodes*) step Browser ensure_browser ;; esac
fi
case $layers in
  '' | *engine*)
    step 'Bucket for tests' ensure_moto
    export SILVER_MOTO="$CACHE/moto-$MOTO_VERSION"
    ;;
esac
ensure_javascript
case $layers in '' | *engine* | *upgrade* | *nodes*) ensure_pulumi ;; esac
exec node "$runner" "$@"
