#!/bin/sh
# Removes all that `npm run up` made for this checkout: stack dev with its sites, nodes and state, and, where no other environment needs
# them, .silver with passphrase and SSH key. Keeps the caches, unless --cache is given.
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
if [ ! -f "$state" ] && [ -f "$state.gz" ]; then state=$state.gz; fi
# As components/machines/clone.ts has it.
nodes=${XDG_STATE_HOME:-$HOME/.local/state}/silverlining/$(printf %s "$ROOT" | sha256sum | cut -c 1-6)

# As it was deployed, or, where nobody can read that, as it is declared.
is_protected() {
  [ -f "$state" ] || return 1
  case $state in
    *.gz) gzip -cd "$state" 2>/dev/null ;;
    *) cat "$state" ;;
  esac | grep -q '"protect": *true' || grep -Eq '^protected: *true' stacks/dev.yaml 2>/dev/null
}

destroy_stack() {
  node scripts/unlock.ts || note "Pulumi will say who has locked the stack."
  destroy_log=$(mktemp)
  if ! pulumi destroy --yes --skip-preview --stack dev >"$destroy_log" 2>&1 </dev/null; then
    # A local node takes all that is on it along; a machine of somebody's does not.
    if grep -q 'host:' stacks/dev.yaml; then
      # shellcheck disable=SC2016 # for a person to type
      fail_with_log 'pulumi destroy failed, and stacks/dev.yaml has machines that would go on serving' "$destroy_log" \
        'Fix the cause and run this again. To forget them as they are, before that: eval "$(sh scripts/env.sh)"; pulumi stack rm dev --force'
    fi
    note "pulumi destroy failed, so the nodes are removed as they are: $(grep -m 1 'error:' "$destroy_log" || tail -n 1 "$destroy_log")"
  fi
  rm -f "$destroy_log"
}

# Other stacks whose state is in .silver, or whose secrets its passphrase may have encrypted.
other_stacks() {
  for file in "$SILVER"/state/.pulumi/stacks/*/*.json "$SILVER"/state/.pulumi/stacks/*/*.json.gz stacks/Pulumi.*.yaml; do
    [ -f "$file" ] || continue
    name=${file##*/}
    case $file in
      */silverlining/dev.json* | stacks/Pulumi.dev.yaml) continue ;;
      *.yaml) grep -q '^encryptionsalt:' "$file" || continue ;;
    esac
    name=${name#Pulumi.} name=${name%.gz}
    printf '%s\n' "${name%.*}"
  done | sort -u
}

remove_nodes() {
  # shellcheck disable=SC2086 # one word each
  node scripts/remove-nodes.ts $others
}

remove_state() {
  end_language_hosts
  if [ -z "$others" ]; then
    end_ssh_agent
    rm -rf "$SILVER"
  elif [ -f "$state" ]; then
    quietly 'pulumi stack rm' pulumi stack rm dev --yes --force --non-interactive
  fi
  rm -f stacks/Pulumi.dev.yaml
}

# What the engine may not delete must not go with its node either.
if is_protected; then
  # shellcheck disable=SC2016 # for a person to type
  fail 'Stack dev is protected, and stays as it is.' 'To destroy it with its data: eval "$(sh scripts/env.sh)"; silver destroy dev'
fi
others=$(other_stacks)
if [ -d "$SILVER" ] || [ -d "$nodes" ]; then
  ensure_javascript
  if [ -f "$state" ]; then
    ensure_pulumi
    step 'pulumi destroy' destroy_stack
  fi
  step 'Local nodes removed' remove_nodes
  if [ -z "$others" ]; then step 'State of this checkout removed' remove_state; else step 'State of stack dev removed' remove_state; fi
else
  say '✓ This checkout has nothing running.'
fi
if [ -n "$others" ]; then
  say "Left alone: $(printf %s "$others" | paste -sd , - | sed 's/,/, /g'), with the state and the passphrase in $SILVER."
fi

if [ "${1:-}" = --cache ]; then
  rm -rf "$CACHE"
  say "✓ Cache removed ($CACHE)"
elif [ -d "$CACHE" ]; then
  say "Kept for the next time: $CACHE ($(du -sh "$CACHE" 2>/dev/null | cut -f 1)); npm run down -- --cache removes it."
fi
