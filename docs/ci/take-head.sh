#!/bin/sh
# Takes into this checkout what a pull request may change, from one commit: apps/, stacks/*.yaml, and the directories that these
# environments name. None of it is run; links that lead out of it are refused.
# usage: take-head.sh COMMIT
set -eu
exec node "$(dirname -- "$0")/../../scripts/take-head.ts" "$1"
