# Loads all parts, and defines the steps that every command here begins with.
# shellcheck shell=sh

# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/system.sh
. "$ROOT/scripts/system.sh"
# shellcheck source=scripts/python.sh
. "$ROOT/scripts/python.sh"
# shellcheck source=scripts/node.sh
. "$ROOT/scripts/node.sh"
# shellcheck source=scripts/engine.sh
. "$ROOT/scripts/engine.sh"
# shellcheck source=tools/engine/build.sh
. "$ROOT/tools/engine/build.sh"
# shellcheck source=scripts/home.sh
. "$ROOT/scripts/home.sh"
# shellcheck source=scripts/plugin.sh
. "$ROOT/scripts/plugin.sh"

# Node and the npm packages.
ensure_javascript() {
  step Node ensure_node
  step 'npm dependencies' ensure_dependencies
}

# A `pulumi` that works on this checkout.
ensure_pulumi() {
  step Pulumi ensure_engine
  step "This checkout's state (.silver)" ensure_home
  step 'Command plugin' ensure_plugin
}
