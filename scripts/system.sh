# What must come from the system: a Linux that can boot nodes, root, packages.
# shellcheck shell=sh

# Needed to create and boot local nodes, to reach them, and to send files to them.
ensure_node_packages() {
  ensure_packages systemd-container mmdebstrap nftables iproute2 rsync openssh-client ca-certificates python3
}

# The browser that the tests of local nodes look at pages with, and what tells it whom to trust.
ensure_browser() { ensure_packages chromium libnss3-tools; }

# The program that tests start on loopback as an sshd of their own. The service that comes with it stays off: nothing should listen.
ensure_sshd() {
  if [ -x /usr/sbin/sshd ]; then
    STEP_NOTE='on this machine'
    return
  fi
  ensure_packages openssh-server
  if [ -d /run/systemd/system ]; then quietly 'systemctl disable ssh' systemctl disable --now ssh.service; fi
}

# Everything that would break local nodes later, reported before anything is made.
require_node_host() {
  [ "$(uname -s)" = Linux ] || fail "Local nodes are systemd-nspawn machines, and this is $(uname -s)." \
    'Run this on Linux, or declare a machine reached by SSH in stacks/dev.yaml.'
  [ "$(id -u)" -eq 0 ] || fail "Local nodes need root, and this is $(id -un)." \
    'Run it as root (sudo npm run up), or declare a machine reached by SSH in stacks/dev.yaml.'
  free_kib=$(df -Pk "$(existing "$CACHE")" | awk 'NR == 2 { print $4 }')
  [ "$free_kib" -ge 4000000 ] || fail "$CACHE has $((free_kib / 1024)) MB of disk left; the engine and a node image need 4 GB." \
    'Free some, or let XDG_CACHE_HOME name a directory on a larger disk.'
}

# The nearest existing parent directory.
existing() {
  path=$1
  while [ ! -d "$path" ]; do path=$(dirname "$path"); done
  printf '%s' "$path"
}

# ensure_packages NAME…: installs missing Debian packages.
ensure_packages() {
  missing=
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    STEP_NOTE=cached
    return
  fi
  command -v apt-get >/dev/null || fail "Missing on this machine:$missing" 'Install them; this script only knows apt.'
  [ "$(id -u)" -eq 0 ] || fail "Missing on this machine:$missing" "Run: sudo apt-get install$missing"
  progress "apt-get install$missing"
  quietly 'apt-get update' apt-get -q update
  # shellcheck disable=SC2086 # a list of words
  quietly "apt-get install$missing" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install $missing
}

ensure_shellcheck() {
  if command -v shellcheck >/dev/null; then STEP_NOTE='on PATH'; else ensure_packages shellcheck; fi
}

# Every script that is run; through them, with --check-sourced, all that they source.
check_shellcheck() {
  # shellcheck disable=SC2046 # file names of ours, without blanks
  (cd "$ROOT" && shellcheck --external-sources --check-sourced --source-path=SCRIPTDIR/.. .ci/run \
    $(grep -rL --include='*.sh' '^# shellcheck shell=sh' scripts tools components cli bench test))
}
