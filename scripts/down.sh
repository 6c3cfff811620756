#!/bin/sh
# Removes all that `npm run up` made for this checkout: site, nodes, agent, state. Keeps the caches, unless --cache is given.
set -eu
ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/bootstrap.sh
. "$ROOT/scripts/bootstrap.sh"
cd "$ROOT"

case ${1:-} in
  '' | --cache) ;;
  *) fail "npm run down: unknown word $1." 'Known: --cache (take the downloads and builds away too).' ;;
esac

state=$SILVER/state/.pulumi/stacks/silverlining/dev.json
# As components/machines/clone.ts has it.
nodes=${XDG_STATE_HOME:-$HOME/.local/state}/silverlining/$(printf %s "$ROOT" | sha256sum | cut -c 1-6)

destroy_stack() {
  release_dead_lock
  destroy_log=$(mktemp)
  if ! pulumi destroy --yes --skip-preview --stack dev >"$destroy_log" 2>&1 </dev/null; then
    # A local node takes all that is on it along; a machine of somebody's does not.
    if grep -q 'host:' stacks/dev.yaml; then
      fail_with_log 'pulumi destroy failed, and stacks/dev.yaml has machines that would go on serving' "$destroy_log" \
        'Fix the cause and run this again. To forget them as they are: rm -r .silver, then run this again.'
    fi
    note "pulumi destroy failed, so the nodes are removed as they are: $(grep -m 1 'error:' "$destroy_log" || tail -n 1 "$destroy_log")"
  fi
  rm -f "$destroy_log"
}

remove_nodes() { node components/machines/main.ts down; }

remove_state() {
  end_language_hosts
  end_ssh_agent
  rm -rf "$SILVER" stacks/Pulumi.dev.yaml
}

if [ -d "$SILVER" ] || [ -d "$nodes" ]; then
  ensure_javascript
  if [ -f "$state" ]; then
    ensure_pulumi
    step 'pulumi destroy' destroy_stack
  fi
  step 'Local nodes removed' remove_nodes
  step 'State of this checkout removed' remove_state
else
  say '✓ This checkout has nothing running.'
fi

if [ "${1:-}" = --cache ]; then
  rm -rf "$CACHE"
  say "✓ Cache removed ($CACHE)"
elif [ -d "$CACHE" ]; then
  say "Kept for the next time: $CACHE ($(du -sh "$CACHE" 2>/dev/null | cut -f 1)); npm run down -- --cache removes it."
fi
