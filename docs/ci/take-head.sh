#!/bin/sh
# Takes into this checkout what a pull request may change, from one commit: apps/, stacks/*.yaml, and the directories that these
# environments name, byte by byte as git keeps them. None of it is run. What may not be taken, such as links that lead out of these
# directories, is refused, and leaves the checkout as it was.
# usage: take-head.sh COMMIT [ENVIRONMENT]
# With an environment, stdout is empty, or the comment that says on the pull request what was refused.
set -eu
exec node "$(dirname -- "$0")/../../scripts/take-head.ts" "$@"
