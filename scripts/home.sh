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

# Names that scripts/env.sh fills in where the caller has set no value: backend, passphrase, switches.
FILLED_IN='PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_SKIP_UPDATE_CHECK PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION
NODE_COMPILE_CACHE'

# Before ensure_home: remembers what the caller has set. A value that names a checkout's .silver is of an earlier call, here or elsewhere.
note_given() {
  given=' '
  for name in $FILLED_IN; do
    eval "value=\${$name:-}"
    # shellcheck disable=SC2154 # set by eval
    case $value in '' | */.silver/*) ;; *) given="$given$name " ;; esac
  done
  # Empty, it is a passphrase, too.
  if [ -n "${PULUMI_CONFIG_PASSPHRASE+set}" ]; then given="${given}PULUMI_CONFIG_PASSPHRASE_FILE "; fi
  given_agent=${SSH_AUTH_SOCK:-}
}

is_given() { case ${given:-} in *" $1 "*) ;; *) return 1 ;; esac; }

# After ensure_home: an agent of the caller's that answers stays, and gets this checkout's key, which local nodes ask for. Not so one of
# another checkout, which would collect all their keys: a node refuses who offers many.
return_agent() {
  if [ -z "$given_agent" ] || [ "$given_agent" = "$SSH_AUTH_SOCK" ]; then return; fi
  own_agent=$SSH_AUTH_SOCK SSH_AUTH_SOCK=$given_agent
  if ! agent_answers || { ! has_key && is_checkouts_agent; }; then
    SSH_AUTH_SOCK=$own_agent
  elif ! has_key && ! ssh-add -q "$key" 2>/dev/null; then
    note "Your SSH agent does not take $key, without which local nodes let nobody in."
  fi
}

# Prints what is to be set, as words for sh.
print_home() {
  if is_given PULUMI_CONFIG_PASSPHRASE_FILE && ! is_given PULUMI_BACKEND_URL; then
    note "The passphrase that is set stays. Stack dev has another one: PULUMI_CONFIG_PASSPHRASE_FILE=$SILVER/passphrase" >&2
  fi
  for name in PATH PULUMI_HOME $FILLED_IN SSH_AUTH_SOCK PULUMI_LANGUAGE_NODEJS_RUN_PATH; do
    if is_given "$name"; then continue; fi
    eval "value=\${$name:-}"
    printf 'export %s=%s\n' "$name" "$(quote "$value")"
  done
}

ensure_passphrase() {
  if [ -s "$SILVER/passphrase" ]; then return; fi
  # Of a state that is not this checkout's nothing is stale.
  if ! is_given PULUMI_BACKEND_URL && ! is_given PULUMI_CONFIG_PASSPHRASE_FILE; then forget_stale_salt; fi
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
  if ! has_key; then quietly ssh-add ssh-add -q "$key"; fi
}

# Does the agent have this checkout's key?
has_key() { ssh-add -l | grep -qF "$(ssh-keygen -lf "$key.pub" | cut -d ' ' -f 2)"; }

# Has it keys, and none but those of checkouts?
is_checkouts_agent() { ssh-add -l >/dev/null && ! ssh-add -l | grep -qv ' silverlining /'; }

agent_answers() {
  status=0
  ssh-add -l >/dev/null 2>&1 || status=$?
  # 1 = it has no key yet; 2 = nobody answers.
  [ "$status" -lt 2 ]
}

# Does the agent that .silver/ssh/agent tells of answer? Leaves SSH_AUTH_SOCK and SSH_AGENT_PID.
find_ssh_agent() {
  [ -f "$SILVER/ssh/agent" ] || return 1
  # shellcheck source=/dev/null
  . "$SILVER/ssh/agent" >/dev/null
  agent_answers
}

# The stack `dev`, selected: plain `pulumi up` works on it.
ensure_stack() {
  if [ -f "$SILVER/state/.pulumi/stacks/silverlining/dev.json" ]; then
    STEP_NOTE=cached
    return
  fi
  (cd "$ROOT" && quietly 'pulumi stack init' pulumi stack init dev --non-interactive)
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
