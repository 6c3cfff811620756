#!/bin/sh
# Stands for ssh: what would run on a node runs here. A session leads to the fake node $FAKE_NODES/<node>; an upload's remote rsync
# becomes a local one, and a command's process too. Every command line is kept in $FAKE_NODES/argv.
printf '%s\n' "$*" >>"$FAKE_NODES/argv"
while [ $# -gt 0 ]; do
  case $1 in
    HostKeyAlias=silver-node-*) name=${1#HostKeyAlias=silver-node-} ;;
    *@silver-node-*) name=${1#*@silver-node-} ;;
    attach) exec python3 "$(dirname "$FAKE_SESSION")/fake-attach.py" "$(readlink "$FAKE_NODES/$name")" "$2" ;;
    serve) exec node "$FAKE_SESSION" "$(readlink "$FAKE_NODES/$name")" ;;
    silver-node-*)
      shift
      exec "$@"
      ;;
  esac
  shift
done
exit 255
