# The plugin that runs remote.Command and local.Command: the real one if it can be installed, else our stand-in.
# SILVER_COMMAND_PLUGIN (the path of a plugin) forces one. For tests: SILVER_PLUGIN_URL, where the real one is downloaded.
# shellcheck shell=sh

PLUGIN_VERSION=1.2.1

# Puts an executable pulumi-resource-command where the engine of this checkout looks for it.
ensure_plugin() {
  folder=resource-command-v$PLUGIN_VERSION
  installed=${HOME:-/nowhere}/.pulumi/plugins/$folder/pulumi-resource-command
  chosen=$SILVER/pulumi-home/plugins/$folder
  mkdir -p "$chosen"
  if [ -n "${SILVER_COMMAND_PLUGIN:-}" ]; then
    [ -x "$SILVER_COMMAND_PLUGIN" ] || fail "SILVER_COMMAND_PLUGIN names $SILVER_COMMAND_PLUGIN, which is not an executable file."
    link_plugin "$(readlink -f "$SILVER_COMMAND_PLUGIN")" "$SILVER_COMMAND_PLUGIN, by SILVER_COMMAND_PLUGIN"
  elif [ -x "$installed" ]; then
    link_plugin "$installed" "the real one, $installed"
  elif intact "$CACHE/command-plugin-$PLUGIN_VERSION"; then
    link_plugin "$CACHE/command-plugin-$PLUGIN_VERSION/pulumi-resource-command" 'the real one'
  elif [ -f "$chosen/stand-in" ]; then
    write_stand_in
  elif (cache_entry "command-plugin-$PLUGIN_VERSION" download_plugin); then
    link_plugin "$CACHE/command-plugin-$PLUGIN_VERSION/pulumi-resource-command" 'the real one, downloaded'
    STEP_NOTE=
  else
    write_stand_in
    STEP_NOTE=
  fi
}

# link_plugin FILE WHAT
link_plugin() {
  rm -f "$chosen/stand-in" "$chosen/told"
  ln -sfn "$1" "$chosen/pulumi-resource-command"
  STEP_TITLE="Command plugin $PLUGIN_VERSION ($2)" STEP_NOTE=cached
}

# The file `stand-in` beside it says that the real one was sought and not found; `npm run down` forgets that.
write_stand_in() {
  rm -f "$chosen/pulumi-resource-command"
  # It introduces itself once: the file `told` beside it says that it did.
  printf '#!/bin/sh\nSILVER_STAND_IN_TOLD=%s exec %s %s "$@"\n' \
    "$(quote "$chosen/told")" "$(quote "$(command -v node)")" "$(quote "$ROOT/tools/command-plugin/main.ts")" \
    >"$chosen/pulumi-resource-command"
  chmod +x "$chosen/pulumi-resource-command"
  : >"$chosen/stand-in"
  STEP_TITLE="Command plugin $PLUGIN_VERSION (our stand-in: the real one can't be downloaded here)" STEP_NOTE=cached
}

download_plugin() {
  if ! PULUMI_HOME=$1/home timeout "${SILVER_REACH_SECONDS:-30}" \
    pulumi plugin install resource command "$PLUGIN_VERSION" ${SILVER_PLUGIN_URL:+--server "$SILVER_PLUGIN_URL"} >"$1/log" 2>&1; then
    note "the real command plugin could not be downloaded: $(grep -v '^Will retry' "$1/log" | tail -n 1)"
    rm -rf "$1"
    exit 1
  fi
  mv "$1/home/plugins/resource-command-v$PLUGIN_VERSION/pulumi-resource-command" "$1/"
  rm -rf "${1:?}/home" "$1/log"
}
