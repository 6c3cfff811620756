# What every script here shares: output, the cache, locks. POSIX sh, because it runs before Node is installed.
# Sourced with ROOT (the checkout) set and `set -eu` on.
# shellcheck shell=sh

ROOT=${ROOT:?set by the script that sources this file}
SILVER=$ROOT/.silver
CACHE=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/silverlining

now() { date +%s; }

# One line that stays.
say() {
  clear_progress
  printf '%s\n' "$*"
}

# A line that the next one overwrites on a terminal, and a line of its own in a log.
progress() {
  if [ -t 1 ]; then printf '\r\033[K… %s' "$*"; else printf '  … %s\n' "$*"; fi
}

clear_progress() { if [ -t 1 ]; then printf '\r\033[K'; fi; }

# A remark inside a step.
note() { say "  $*"; }

# fail WHAT [LINE…]: the error, then a line each for why and what to do. Ends the script.
fail() {
  clear_progress
  printf '✗ %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# step TITLE FUNCTION [ARG…]: runs it and prints what was done and how long it took.
# The function may give a better STEP_TITLE, and say STEP_NOTE=cached when there was nothing to do.
step() {
  STEP_TITLE=$1 STEP_NOTE=
  step_start=$(now)
  shift
  if [ -t 1 ]; then progress "$STEP_TITLE"; fi
  "$@"
  say "✓ $STEP_TITLE · ${STEP_NOTE:-$(($(now) - step_start)) s}"
}

# quietly WHAT COMMAND…: its output goes to a log, the end of which is shown when it fails.
quietly() {
  quietly_what=$1
  shift
  quietly_log=$(mktemp)
  if "$@" >"$quietly_log" 2>&1 </dev/null; then
    rm -f "$quietly_log"
    return
  fi
  fail_with_log "$quietly_what failed" "$quietly_log"
}

# fail_with_log WHAT FILE [LINE…]: fail, with the last lines of a log below it. The log stays.
fail_with_log() {
  clear_progress
  kept_log=$(mktemp)
  cat "$2" >"$kept_log"
  printf '✗ %s. The last lines of %s:\n' "$1" "$kept_log" >&2
  tail -n 20 "$2" | sed 's/^/    /' >&2
  shift 2
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# count_lines TITLE [TOTAL]: shows how many lines have come in on stdin; the lines go to the file COUNT_LOG.
count_lines() {
  count=0 shown=$(now)
  if [ -t 1 ]; then interval=1; else interval=15; fi
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$COUNT_LOG"
    count=$((count + 1))
    time=$(now)
    if [ $((time - shown)) -ge "$interval" ]; then
      shown=$time
      progress "$1: $count${2:+ of $2}"
    fi
  done
}

# locked FILE FUNCTION [ARG…]: one at a time on this machine; says so while it waits.
locked() {
  mkdir -p "$(dirname "$1")"
  exec 9>"$1"
  if ! flock -n 9; then
    progress "$STEP_TITLE: another run is at it, waiting for that one"
    flock 9
  fi
  shift
  "$@"
  exec 9>&-
}

# cache_entry NAME FUNCTION: leaves the directory $CACHE/NAME, whole and unaltered since FUNCTION made it.
# FUNCTION gets an empty directory to fill; it becomes the entry in one move, so a killed run leaves none behind.
cache_entry() {
  if intact "$CACHE/$1"; then
    STEP_NOTE=cached
  else
    locked "$CACHE/locks/$1" make_entry "$1" "$2"
  fi
}

# Has every file of a cache entry the checksum it was made with?
intact() {
  [ -f "$1/SHA256SUMS" ] && (cd "$1" && sha256sum --quiet --check SHA256SUMS >/dev/null 2>&1)
}

make_entry() {
  if intact "$CACHE/$1"; then
    STEP_NOTE='made by another run'
    return
  fi
  if [ -e "$CACHE/$1" ]; then note "$CACHE/$1 is not as it was made (checksum): made again"; fi
  rm -rf "$CACHE/.$1".*
  fresh=$(mktemp -d "$CACHE/.$1.XXXXXX")
  chmod 755 "$fresh"
  "$2" "$fresh"
  sums=$(cd "$fresh" && find . -type f -exec sha256sum {} +)
  printf '%s\n' "$sums" >"$fresh/SHA256SUMS"
  rm -rf "${CACHE:?}/$1"
  mv "$fresh" "$CACHE/$1"
}

# add_to_path DIRECTORY: first on PATH, and once.
add_to_path() {
  PATH=$1:$(path_without "$1")
  export PATH
}

# PATH less the directories that begin with $1.
path_without() { printf '%s' "$PATH" | tr ':' '\n' | grep -vF "$1" | paste -sd : -; }

# without_cache COMMAND…: runs it with the PATH this machine has without us.
without_cache() {
  whole_path=$PATH outcome=0
  PATH=$(path_without "$CACHE")
  "$@" || outcome=$?
  PATH=$whole_path
  return "$outcome"
}

# 'it''s' → a word that sh reads back as it was.
quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

# at_least VERSION OLDEST: compares dotted numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }
