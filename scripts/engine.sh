# The Pulumi engine: the command line and its Node language host.
# In this order: PATH's own, our cache, the vendor's install script, our own build from the Go module proxy.
# For tests: SILVER_ENGINE_URL (the vendor's script), SILVER_REACH_SECONDS (how long it has to answer),
# SILVER_ENGINE_BUILD (a command that gets the directory to fill, instead of the Go build).
# shellcheck shell=sh

ENGINE_VERSION=3.259.0
BUILT='built here'

# Leaves `pulumi` and `pulumi-language-nodejs` on PATH.
ensure_engine() {
  export PULUMI_LANGUAGE_NODEJS_RUN_PATH=
  unfit=$(unfit_engine)
  if [ -z "$unfit" ]; then
    STEP_TITLE="Pulumi $(engine_version "$(without_cache command -v pulumi)")" STEP_NOTE='on PATH'
    return
  fi
  STEP_TITLE="Pulumi $ENGINE_VERSION"
  if [ "$unfit" != none ]; then note "PATH's pulumi is not used: $unfit"; fi
  cache_entry "engine-$ENGINE_VERSION" get_engine
  origin=$(cat "$CACHE/engine-$ENGINE_VERSION/origin")
  STEP_TITLE="Pulumi $ENGINE_VERSION ($origin)"
  add_to_path "$CACHE/engine-$ENGINE_VERSION"
  # The language host that can be built does not hear `typescript: false` of Pulumi.yaml.
  if [ "$origin" = "$BUILT" ]; then PULUMI_LANGUAGE_NODEJS_RUN_PATH=$ROOT/tools/engine/run.cjs; fi
}

# Why PATH's engine is not usable; empty when it is.
unfit_engine() {
  found=$(without_cache command -v pulumi) || { echo none && return; }
  version=$(engine_version "$found") || { echo "$found does not run" && return; }
  host=$(dirname "$(readlink -f "$found")")/pulumi-language-nodejs
  if [ "${version%%.*}" != 3 ]; then
    echo "$found is $version, and this project is written for Pulumi 3"
  elif ! at_least "$version" "$ENGINE_VERSION"; then
    echo "$found is $version, older than the $ENGINE_VERSION that the tests run with"
  elif ! [ -x "$host" ] && ! without_cache command -v pulumi-language-nodejs >/dev/null; then
    echo "$found has no pulumi-language-nodejs beside it"
  fi
}

engine_version() {
  engine_version=$(PULUMI_SKIP_UPDATE_CHECK=1 "$1" version 2>/dev/null) && printf '%s' "${engine_version#v}"
}

get_engine() {
  if vendor_engine "$1"; then
    echo "the vendor's" >"$1/origin"
  else
    build_engine "$1"
    echo "$BUILT" >"$1/origin"
  fi
  [ "$(engine_version "$1/pulumi")" = "$ENGINE_VERSION" ] || fail "The engine just made does not say that it is $ENGINE_VERSION."
}

# The vendor's own install script, when it answers within a few seconds.
vendor_engine() {
  url=${SILVER_ENGINE_URL:-https://get.pulumi.com/install.sh}
  progress "Pulumi $ENGINE_VERSION from $url"
  if ! command -v curl >/dev/null; then
    note "no curl here, so not from $url"
    return 1
  fi
  mkdir "$1/vendor"
  if ! curl -fsSL --max-time "${SILVER_REACH_SECONDS:-10}" -o "$1/vendor/install.sh" "$url" 2>"$1/vendor/log"; then
    note "not from $url: $(tail -n 1 "$1/vendor/log")"
    rm -rf "$1/vendor"
    return 1
  fi
  timeout 600 sh "$1/vendor/install.sh" --no-edit-path --install-root "$1/vendor/root" --version "$ENGINE_VERSION" \
    >"$1/vendor/log" 2>&1 </dev/null || note "the script of $url failed: $(tail -n 1 "$1/vendor/log")"
  # Of the vendor's many programs a stack in TypeScript needs these.
  for program in pulumi pulumi-language-nodejs pulumi-resource-pulumi-nodejs pulumi-analyzer-policy; do
    if [ -f "$1/vendor/root/bin/$program" ]; then mv "$1/vendor/root/bin/$program" "$1/"; fi
  done
  rm -rf "$1/vendor"
  [ -x "$1/pulumi-language-nodejs" ] && [ "$(engine_version "$1/pulumi")" = "$ENGINE_VERSION" ] && return
  note "$url brought no Pulumi $ENGINE_VERSION"
  rm -f "$1"/pulumi*
  return 1
}
