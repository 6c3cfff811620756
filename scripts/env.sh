#!/bin/sh
# Prints the variables that make plain `pulumi preview` and `pulumi up` work on this checkout: eval "$(sh scripts/env.sh)".
# First installs what is missing; reports that on stderr.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
exec 3>&1 1>&2
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"

ensure_javascript
ensure_pulumi
step 'Stack dev' ensure_stack

exec 1>&3
echo 'unset PULUMI_CONFIG_PASSPHRASE'
for name in PATH PULUMI_HOME PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_SKIP_UPDATE_CHECK \
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION SSH_AUTH_SOCK NODE_COMPILE_CACHE \
  PULUMI_LANGUAGE_NODEJS_RUN_PATH; do
  eval "value=\$$name"
  # shellcheck disable=SC2154 # set by eval
  printf 'export %s=%s\n' "$name" "$(quote "$value")"
done
