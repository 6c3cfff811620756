#!/bin/sh
# Runs one node until it powers off; a reboot inside it (exit code 133) starts it again.
# When this process dies the node is shut down.
# Safe to run again: the caller holds the node's running lock, so there is never a second one.
# usage: supervise.sh MACHINE STATE_DIRECTORY COMMAND...
set -u
machine=$1
state=$2
shift 2

# Prints the control group hierarchies in which the node needs its own group: two nodes in one group would see
# each other's units. None under systemd, which started this process in a group for the node.
hierarchies() {
  [ -d /run/systemd/system ] && return
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    if [ -f "$hierarchy/cgroup.procs" ]; then echo "$hierarchy"; fi
  done
}

# Kills what is left in a control group (a killed systemd-nspawn leaves the node's processes behind) and removes it.
remove_group() {
  tries=0
  while [ -d "$1" ] && [ "$tries" -lt 100 ]; do
    find "$1" -name cgroup.procs -exec cat {} + | while read -r pid; do kill -KILL "$pid"; done 2>/dev/null
    find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null
    tries=$((tries + 1))
    [ -d "$1" ] && sleep 0.05
  done
}

# The node gets a unified hierarchy whatever this computer has: systemd 258 and later refuse any other.
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
# It has its own network, so it may write /proc/sys/net; the rest of /proc/sys is this computer's.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
# The node's own system decides what /tmp is, not always a memory disk.
export SYSTEMD_NSPAWN_TMPFS_TMP=0

for hierarchy in $(hierarchies); do
  mkdir -p "$hierarchy/silverlining/$machine"
  echo $$ >"$hierarchy/silverlining/$machine/cgroup.procs"
done

rm -f "$state/stopping"
while :; do
  setpriv --pdeathsig TERM -- "$@" &
  echo $! >"$state/nspawn.pid"
  wait $!
  code=$?
  if [ "$code" -ne 133 ] || [ -e "$state/stopping" ]; then break; fi
done
rm -f "$state/nspawn.pid"

for hierarchy in $(hierarchies); do
  echo $$ >"$hierarchy/cgroup.procs"
  remove_group "$hierarchy/silverlining/$machine"
  rmdir "$hierarchy/silverlining" 2>/dev/null
done
rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null
exit "$code"
