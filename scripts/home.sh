# What a checkout keeps in .silver/: the engine's home and state, a passphrase, an SSH key and its agent.
# shellcheck shell=sh

# Exports the variables with which plain `pulumi` works on this checkout; scripts/env.sh prints them.
ensure_home() {
  locked "$SILVER/lock" make_home
}

make_home() {
  STEP_NOTE=cached
  if [ ! -d "$SILVER/ssh" ]; then STEP_NOTE=; fi
  (umask 077 && mkdir -p "$SILVER/pulumi-home" "$SILVER/state" "$SILVER/ssh")
  ensure_passphrase
  ensure_ssh_agent
  ensure_silver
  unset PULUMI_CONFIG_PASSPHRASE
  export PULUMI_HOME="$SILVER/pulumi-home"
  export PULUMI_BACKEND_URL="file://$SILVER/state"
  export PULUMI_CONFIG_PASSPHRASE_FILE="$SILVER/passphrase"
  export PULUMI_SKIP_UPDATE_CHECK=true
  export PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true
  export SSH_AUTH_SOCK
  # So that the program, the plugin and a rollout need not compile their JavaScript each time. Node runs what it finds there: nobody else may write.
  (umask 077 && mkdir -p "$CACHE/node-compile-cache")
  export NODE_COMPILE_CACHE="$CACHE/node-compile-cache"
}

ensure_passphrase() {
  if [ -s "$SILVER/passphrase" ]; then return; fi
  forget_stale_salt
  (umask 077 && head -c 32 /dev/urandom | base64 >"$SILVER/passphrase.new")
  mv "$SILVER/passphrase.new" "$SILVER/passphrase"
}

# stacks/Pulumi.dev.yaml holds the salt of the passphrase that encrypted it. Where .silver was deleted by hand it is of
# no more use; where it holds secrets, only their owner may say so.
forget_stale_salt() {
  config=$ROOT/stacks/Pulumi.dev.yaml
  if grep -qs 'secure:' "$config"; then
    fail "$config holds secrets, and the passphrase they were encrypted with is gone (.silver/passphrase)." \
      'Bring .silver back, or delete that file and set its secrets again.'
  fi
  rm -f "$config"
}

# `silver` as a command, for this checkout.
ensure_silver() {
  mkdir -p "$SILVER/bin"
  printf '#!/bin/sh\nexec node %s "$@"\n' "$(quote "$ROOT/cli/silver.js")" >"$SILVER/bin/silver"
  chmod +x "$SILVER/bin/silver"
  add_to_path "$SILVER/bin"
}

# This checkout's own SSH agent, with one key: the state never contains a key.
ensure_ssh_agent() {
  command -v ssh-agent >/dev/null || ensure_packages openssh-client
  key=$SILVER/ssh/id_ed25519
  if [ ! -f "$key" ]; then
    quietly ssh-keygen ssh-keygen -q -t ed25519 -N '' -C "silverlining $ROOT" -f "$key"
  fi
  if ! find_ssh_agent; then
    # Without the lock's descriptor and that of who waits for our output: it would hold them for as long as it lives.
    (umask 077 && ssh-agent -s >"$SILVER/ssh/agent" 3>&- 9>&-)
    find_ssh_agent || fail 'The ssh-agent just started does not answer.'
  fi
  if ! ssh-add -l | grep -qF "$(ssh-keygen -lf "$key.pub" | cut -d ' ' -f 2)"; then
    quietly ssh-add ssh-add -q "$key"
  fi
}

# Does the agent that .silver/ssh/agent tells of answer? Leaves SSH_AUTH_SOCK and SSH_AGENT_PID.
find_ssh_agent() {
  [ -f "$SILVER/ssh/agent" ] || return 1
  # shellcheck source=/dev/null
  . "$SILVER/ssh/agent" >/dev/null
  status=0
  ssh-add -l >/dev/null 2>&1 || status=$?
  # 1 = it has no key yet; 2 = nobody answers.
  [ "$status" -lt 2 ]
}

# The stack `dev`, selected: plain `pulumi up` works on it.
ensure_stack() {
  if [ -f "$SILVER/state/.pulumi/stacks/silverlining/dev.json" ]; then
    STEP_NOTE=cached
    return
  fi
  (cd "$ROOT" && quietly 'pulumi stack init' pulumi stack init dev --non-interactive)
}

# A killed run leaves the stack locked. Removes that lock only if its process is gone from this machine.
release_dead_lock() {
  for lock in "$SILVER"/state/.pulumi/locks/organization/silverlining/dev/*.json; do
    [ -f "$lock" ] || continue
    lock_pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$lock")
    lock_host=$(sed -n 's/.*"hostname": *"\([^"]*\)".*/\1/p' "$lock")
    if [ "$lock_host" = "$(hostname)" ] && [ -n "$lock_pid" ] && [ ! -d "/proc/$lock_pid" ]; then
      note "The stack was locked by a run that is gone (process $lock_pid): unlocked."
      rm -f "$lock" "$lock.attrs"
    fi
  done
}

end_ssh_agent() {
  if find_ssh_agent; then SSH_AUTH_SOCK=$SSH_AUTH_SOCK SSH_AGENT_PID=$SSH_AGENT_PID ssh-agent -k >/dev/null; fi
}

# An engine that was killed leaves its language host behind: those of this checkout, once no engine runs.
end_language_hosts() {
  for process in /proc/[0-9]*; do
    program=$(readlink "$process/exe" 2>/dev/null) || continue
    if [ "${program##*/}" = pulumi-language-nodejs ] && tr '\0' '\n' <"$process/environ" | grep -qxF "PULUMI_HOME=$SILVER/pulumi-home"; then
      kill "${process#/proc/}"
    fi
  done
}
