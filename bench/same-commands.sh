#!/bin/sh
# The same work as `npm start` on examples/orders, by the commands themselves and with the same waits:
# four checkouts, test and checks, two platforms, archives, a good release, a broken one, the way
# back. Usage: same-commands.sh <examples/orders> <empty folder> <port>
set -eu
source=$1 work=$2 port=$3
export GOFLAGS=-buildvcs=false GOCACHE="$work/gocache" GOMODCACHE="$work/gomodcache" GOTOOLCHAIN=local
repo="$work/repo"

checkout() {
  rm -rf "$repo"
  cp -R "$source" "$repo"
  cd "$repo"
  git init -q -b main
  git add -A
  git -c user.name=a -c user.email=a@b commit -q -m snapshot
}

image() { # release
  for arch in amd64 arm64; do
    CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -tags timetzdata -ldflags '-s -w' \
      -o "$work/$1/$arch/orders" ./cmd/orders &
    builds="${builds:-} $!"
  done
  wait $builds
  builds=
  for arch in amd64 arm64; do
    tar -C "$work/$1/$arch" -cf - orders | gzip -6 >"$work/$1/$arch.tar.gz"
    sha256sum "$work/$1/$arch.tar.gz" >/dev/null
  done
}

deploy() { # release
  mkdir -p "$work/host/$1"
  tar -C "$work/host/$1" -xzf "$work/$1/amd64.tar.gz"
  ln -sfn "$1" "$work/host/current"
  HOST=127.0.0.1 PORT=$port setsid "$work/host/$1/orders" >"$work/host/$1.log" 2>&1 &
  pid=$!
}

healthy() { # seconds until the answer is no
  good=0 tries=0
  while [ $tries -lt $(($1 * 5)) ]; do
    if curl -sf -o /dev/null "http://127.0.0.1:$port/healthz"; then good=$((good + 1)); else good=0; fi
    [ $good -ge 3 ] && return 0
    tries=$((tries + 1))
    sleep 0.2
  done
  return 1
}

stop() {
  kill "$pid"
  wait "$pid" 2>/dev/null || true
}

checkout
go version >/dev/null
gofmt -l . >/dev/null &
checks=$!
go vet ./... &
checks="$checks $!"
go test -vet=off -json ./... >"$work/tests.json"
wait $checks
image one

checkout
deploy one
healthy 30
curl -sf "http://127.0.0.1:$port/version" | grep -q '1\.0\.0'
sleep 1

checkout
sed -i 's/"1\.0\.0"/"1.1.0"/' cmd/orders/version.go
sed -i 's/reply(w, http.StatusOK, map\[string\]string{"status": "ok"})/reply(w, http.StatusInternalServerError, nil)/' \
  internal/httpapi/httpapi.go
image two
stop
deploy two
if healthy 5; then
  echo "the broken release is well" >&2
  exit 1
fi
stop
deploy one
healthy 30
curl -sf "http://127.0.0.1:$port/version" | grep -q '1\.0\.0'

checkout
stop
