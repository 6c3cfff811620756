#!/bin/sh
# Stands for ssh: what would run on a node runs here. A session becomes a fake agent with its memory in $FAKE_NODES/<node>.json;
# an upload's remote rsync becomes a local one. Every command line is kept in $FAKE_NODES/argv.
printf '%s\n' "$*" >>"$FAKE_NODES/argv"
while [ $# -gt 0 ]; do
  case $1 in
    HostKeyAlias=silver-node-*) name=${1#HostKeyAlias=silver-node-} ;;
    serve) exec node "$FAKE_AGENT" "$FAKE_NODES/$name.json" ;;
    silver-node-*)
      shift
      exec "$@"
      ;;
  esac
  shift
done
exit 255
