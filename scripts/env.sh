#!/bin/sh
# Prints the variables that make plain `pulumi preview` and `pulumi up` work on this checkout: eval "$(sh scripts/env.sh)".
# First installs what is missing; reports that on stderr. Backend, passphrase and SSH agent that are set already stay.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
exec 3>&1 1>&2
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"

note_given
ensure_javascript
ensure_pulumi
return_agent
if ! is_given PULUMI_BACKEND_URL; then step 'Stack dev' ensure_stack; fi

exec 1>&3
print_home
