#!/bin/sh
# The host's side of deploy-with-rollback: one fixed script, spoken to by arguments.
#
#   sh <dir>/.deploy/agent.sh status <dir>     what serves, what is open
#   sh <dir>/.deploy/agent.sh stop <dir>       stops the service (SIGTERM, then SIGKILL)
#
# Everything else is called by the action. It needs a POSIX sh, the usual small tools, flock or
# perl, and curl, bash or wget for the health check; no Node, no root, no daemon of its own.
#
# Answers are lines `<word> <values>` on stdout; a refusal is `error <code> <message>` and exit 3.
# It is one file although it is long: a host gets it as a whole, and what repairs a half deploy must
# not depend on a second file being there.
#
# Below <dir>:
#   releases/<id>/   root/ manifest argv env workdir health identity [GOOD] [BAD]
#   current          -> releases/<id>
#   .deploy/         lock beat mutex journal service exit reserve logs/ history.jsonl agent.sh
#
# Three things keep a deploy whole whatever is killed:
# - `journal` is written before each effect, and `heal` needs nothing else to find back;
# - `mutex` (flock) makes each command one piece; whoever dies lets go of it;
# - `watch` runs from `lock` to `unlock` in a session of its own. When the holder of the lock has
#   given no sign of life for the agreed time, it heals and lets go of the lock: a dead-man's switch.
set -u
umask 077
LC_ALL=C
NL='
'
PATH="${PATH:-/usr/bin:/bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
export LC_ALL PATH
# The runner ends every process that carries this variable when the job ends (JobExtension).
unset RUNNER_TRACKING_ID

# ---- small words ---------------------------------------------------------------------------------

refuse() { # refuse <code> <message>
  printf 'error %s %s\n' "$1" "$2"
  exit 3
}

# Seconds that only go forward; wall time where the system shows no uptime.
now() {
  if [ -r /proc/uptime ]; then
    read -r up _ </proc/uptime
    echo "${up%%.*}"
  else
    date +%s
  fi
}

boot() {
  cat /proc/sys/kernel/random/boot_id 2>/dev/null ||
    sysctl -n kern.boottime 2>/dev/null | tr ' ' '_' || echo unknown
}

# Processes are only comparable inside one PID namespace (a container's runner and the host's).
namespace() { readlink /proc/self/ns/pid 2>/dev/null || echo none; }

nap() { sleep 0.05 2>/dev/null || sleep 1; }

known_release() { # refuses names that could leave the folder
  case $1 in '' | .* | *[!A-Za-z0-9._-]*) refuse usage "not a release id: $1" ;; esac
}

# The start time of a live process; fails when there is none, or only a zombie.
started() { # started <pid>
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  if [ -r /proc/self/stat ]; then
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # proc(5): fields after the last parenthesis begin with the state, field 22 is the start time.
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    case ${1:-Z} in Z | X) return 1 ;; esac
    shift 19
    echo "$1"
  else
    state=$(ps -o stat= -p "$1" 2>/dev/null) || return 1
    case $state in '' | Z*) return 1 ;; esac
    ps -o lstart= -p "$1" | tr -s ' ' '_'
  fi
}

same_process() { [ -n "${2:-}" ] && [ "$(started "$1")" = "$2" ]; }

# PID of this very process, also in a subshell, where $$ is its parent's.
self() {
  if [ -r /proc/self/stat ]; then read -r me _ </proc/self/stat; else me=$(exec sh -c 'echo $PPID'); fi
}

pgroup() { # the process group of a process
  if [ -r /proc/self/stat ]; then
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    echo "${3:-}"
  else
    ps -o pgid= -p "$1" | tr -d ' '
  fi
}

# A file and its name are on the disk when this returns (journal, lock, pointer of the service).
durable() { # durable <file>
  sync "$1" "$D" 2>/dev/null || sync
}

put() { # put <file>: stdin replaces it, whole or not at all
  cat >"$1.new" && durable "$1.new" && mv -f "$1.new" "$1"
}

# Not `:`, whose failed redirection would end the whole shell (POSIX XCU 2.8.1).
mark() { printf '' >"$1"; }

# The way back writes, too, and what is to be undone may have filled the disk.
RESERVE_BLOCKS=64

reserve() {
  dd if=/dev/zero of="$D/reserve" bs=4096 count="$RESERVE_BLOCKS" 2>/dev/null &&
    durable "$D/reserve" && return 0
  rm -f "$D/reserve"
  refuse unwritable "$D has no room for the way back"
}

# ---- mutex, lock, journal ------------------------------------------------------------------------

enter() { # enter [seconds, or `ever`]: this command is alone until it ends
  { command exec 9>>"$D/mutex"; } 2>/dev/null || refuse unwritable "$D cannot be written"
  patience=${1:-300}
  [ "$patience" = ever ] || until=$(($(now) + patience))
  while :; do
    if command -v flock >/dev/null 2>&1; then
      flock -n 9 && return 0
    elif command -v perl >/dev/null 2>&1; then
      perl -e 'open(F, ">>&=", 9); exit(flock(F, 6) ? 0 : 1)' && return 0
    else
      refuse tool "neither flock nor perl is on this host"
    fi
    [ "$patience" = ever ] || [ "$(now)" -lt "$until" ] ||
      refuse busy "another command of this agent is still at work"
    nap
  done
}

# Line of `lock`: token pid start boot namespace timeout label
read_lock() {
  L_TOKEN='' L_PID='' L_START='' L_BOOT='' L_NS='' L_TIMEOUT='' L_LABEL=''
  # Whoever is alone may take any of these files away while it is looked at.
  read -r L_TOKEN L_PID L_START L_BOOT L_NS L_TIMEOUT L_LABEL 2>/dev/null <"$D/lock"
}

beat() { beat_at "$(now)"; }

# Written over, never cut off first: on a full disk nothing would be left to count from.
beat_at() { printf '%12s\n' "$1" 1<>"$D/beat"; }

silence() { # seconds since the last sign of life
  last=''
  read -r last 2>/dev/null <"$D/beat"
  # Being written at this moment is a sign of life, too.
  echo $(($(now) - ${last:-$(now)}))
}

holder_is_dead() {
  [ "$L_BOOT" = "$(boot)" ] || return 0
  if [ "$L_NS" = "$(namespace)" ]; then
    same_process "$L_PID" "$L_START" && return 1
    return 0
  fi
  [ "$(silence)" -gt $((L_TIMEOUT + 5)) ]
}

own_lock() { # own_lock <token>: each mutation asks again, so that a late one never lands
  read_lock && [ "$L_TOKEN" = "$1" ] ||
    refuse lost "this deploy no longer holds the lock of $dir"
  beat
}

# First line of `journal`: begin <token> <kind> <release> <good or ->; then one word a line.
read_journal() {
  J_TOKEN='' J_KIND='' J_TO='' J_GOOD='' J_PHASE=''
  # Read in one go, since whoever is alone may close it meanwhile. The dot shows where the last line
  # ends: a phase that a full disk has cut short was never begun.
  text=$(cat "$D/journal" 2>/dev/null && echo .) || return 1
  text=${text%"$NL"*}
  # shellcheck disable=SC2086
  set -- ${text%%"$NL"*}
  J_TOKEN=${2:-} J_KIND=${3:-} J_TO=${4:-} J_GOOD=${5:-}
  J_PHASE=${text##*"$NL"}
  J_PHASE=${J_PHASE%% *}
}

note() { # note <phase>: before the effect
  printf '%s\n' "$1" >>"$D/journal" && durable "$D/journal" ||
    refuse unwritable "the journal in $D cannot be written"
}

history() { # history <event> <release> <good> <token> <by>
  printf '{"time":%s,"event":"%s","release":"%s","good":"%s","token":"%s","by":"%s"}\n' \
    "$(date +%s)" "$1" "$2" "$3" "$4" "$5" >>"$D/history.jsonl"
  durable "$D/history.jsonl"
}

# ---- releases ------------------------------------------------------------------------------------

serving_name() { # the release that `current` names
  link=$(readlink "$dir/current" 2>/dev/null) || return 0
  echo "${link##*/}"
}

last_good() { # the verified release to go back to: the current one, else the newest good one
  name=$(serving_name)
  if [ -n "$name" ] && [ -f "$dir/releases/$name/GOOD" ]; then
    echo "$name"
    return
  fi
  # shellcheck disable=SC2012
  ls -t "$dir"/releases/*/GOOD 2>/dev/null | while read -r mark; do
    folder=${mark%/GOOD}
    # One that was rolled back from by hand was good once, and is not wanted again.
    [ -f "$folder/BAD" ] || { echo "${folder##*/}"; break; }
  done
}

by_worth() { # all releases: the latest verified first, then the others
  # shellcheck disable=SC2012
  (cd "$dir/releases" && { ls -t ./*/GOOD 2>/dev/null; ls -t; }) |
    sed 's/^\.\///; s/\/GOOD$//' | awk '!seen[$0]++'
}

sums() { # reads a manifest, checks the files below the current folder
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum -c -
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 -c -
  else
    refuse tool "neither sha256sum nor shasum is on this host"
  fi
}

intact() { # intact <release>: every file is what the manifest says, and there is no other
  files=$dir/releases/$1
  [ -f "$files/manifest" ] && [ -d "$files/root" ] || { echo "it is not complete"; return 1; }
  wanted=$(grep -c . "$files/manifest")
  # A line for each file, whatever line breaks its name holds.
  found=$(find "$files/root" -type f -exec sh -c 'for file; do echo; done' sh {} + | wc -l)
  [ "$wanted" -eq "$found" ] || { echo "it has $found files instead of $wanted"; return 1; }
  [ "$wanted" -eq 0 ] && return 0
  wrong=$( (cd "$files/root" && sums <"$files/manifest" 2>&1) ) && return 0
  printf '%s\n' "$wrong" | grep -v ': OK$' | head -n 3 | tr '\n' ' '
  return 1
}

point() { # point <release>: rename(2) replaces the link in one step
  rm -f "$dir/.current.new"
  ln -s "releases/$1" "$dir/.current.new" || refuse unwritable "no link can be made in $dir"
  # GNU and busybox say -T, BSD says -h: without it a folder behind `current` would be entered.
  mv -fT "$dir/.current.new" "$dir/current" 2>/dev/null ||
    mv -fh "$dir/.current.new" "$dir/current" 2>/dev/null ||
    refuse unwritable "$dir/current cannot be replaced"
  sync "$dir" 2>/dev/null || sync
}

# ---- the service ---------------------------------------------------------------------------------

# Line of `service`: pid start release group group-start boot
read_service() { # of before a reboot there is none: its numbers are other processes' by now
  S_PID='' S_START='' S_RELEASE='' S_GROUP='' S_GSTART='' S_BOOT=''
  read -r S_PID S_START S_RELEASE S_GROUP S_GSTART S_BOOT 2>/dev/null <"$D/service" &&
    [ "$S_BOOT" = "$(boot)" ]
}

running() { # running [release]
  read_service && { [ $# -eq 0 ] || [ "$S_RELEASE" = "$1" ]; } && same_process "$S_PID" "$S_START"
}

read_health() { # the release's own contract
  PORT='' HEALTH='' STATUSES='' WAIT=60 TRY=5 TIMES=1 INTERVAL=1 VERSION_PATH='' VERSION='' GRACE=10
  # shellcheck disable=SC1090
  . "$dir/releases/$1/health"
}

stop_service() { # only the process that was started here, never one that took over its PID
  read_service || return 0
  if same_process "$S_PID" "$S_START"; then
    grace=10
    [ -f "$dir/releases/$S_RELEASE/health" ] && grace=$(read_health "$S_RELEASE" && echo "$GRACE")
    kill -TERM "$S_PID" 2>/dev/null
    until=$(($(now) + grace))
    while same_process "$S_PID" "$S_START"; do
      if [ "$(now)" -ge "$until" ]; then
        kill -KILL "$S_PID" 2>/dev/null
        until=$(($(now) + 10))
        while same_process "$S_PID" "$S_START"; do
          [ "$(now)" -lt "$until" ] || refuse stuck "process $S_PID survives SIGKILL"
          nap
        done
      fi
      nap
    done
  fi
  # What the service left behind lives in the group of its keeper.
  leader=$(started "$S_GROUP")
  if [ -z "$leader" ] || [ "$leader" = "$S_GSTART" ]; then
    kill -KILL "-$S_GROUP" 2>/dev/null
  fi
  rm -f "$D/service"
}

# Becomes "$@" in a session of its own that no signal to ours reaches. Called as `(detached … &)`:
# the subshell ends at once, so that no line of parents leads back to us either.
detached() {
  if command -v setsid >/dev/null 2>&1; then
    exec setsid "$@"
  fi
  exec perl -e 'use POSIX; setsid(); exec @ARGV' "$@"
}

start_service() { # start_service <release>: returns once its process is known
  read_health "$1"
  owner=$(port_owner "$PORT")
  [ "$owner" = free ] || refuse port "port $PORT is taken by $owner"
  rm -f "$D/exit"
  # The keeper inherits the mutex and lets go of it once the service is on record, so that nobody
  # can heal between a process's start and the note of it.
  (detached env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="${HOME:-/}" \
    sh "$D/agent.sh" keep "$dir" "$1" </dev/null >/dev/null 2>&1 &)
  until=$(($(now) + 10))
  while ! ended "$1"; do
    read_service && [ "$S_RELEASE" = "$1" ] && return 0
    [ "$(now)" -lt "$until" ] || refuse start "the service's keeper did not come up"
    nap
  done
}

ended() { # ended <release>: sets CODE; the keeper of an older one may write late
  read -r whose CODE 2>/dev/null <"$D/exit" && [ "$whose" = "$1" ]
}

LOG_BYTES=8388608

keep() { # the service's parent: knows how it ended, keeps its log in bounds
  release=$1
  files=$dir/releases/$release
  log=$D/logs/$release.log
  mkdir -p "$D/logs"
  ulimit -c 0
  # A runner makes its children the first to go when memory is short.
  { echo 0 >/proc/self/oom_score_adj; } 2>/dev/null
  self
  group=$me
  gstart=$(started "$group")
  (
    self
    # What nobody knows of nobody could stop.
    printf '%s %s %s %s %s %s\n' \
      "$me" "$(started "$me")" "$release" "$group" "$gstart" "$(boot)" | put "$D/service" || exit 125
    exec 9>&- >>"$log" 2>&1
    unset LC_ALL
    PATH=/usr/local/bin:/usr/bin:/bin
    cd "$files/root$(cat "$files/workdir")" || exit 126
    umask 022
    eval "set -- $(cat "$files/argv")"
    # Values become variables in here: they are in no argument list. They come last, since the
    # service's names may be ours as well.
    # shellcheck disable=SC1091
    . "$files/env"
    exec "$@"
  ) &
  child=$!
  exec 9>&-
  (
    while sleep 5; do
      size=$(wc -c <"$log" 2>/dev/null) || exit
      [ "$size" -gt "$LOG_BYTES" ] || continue
      # The service appends, so a truncated file goes on growing from its start.
      tail -c $((LOG_BYTES / 2)) "$log" >"$log.old"
      mark "$log"
    done
  ) >/dev/null 2>&1 &
  wait "$child"
  code=$?
  printf '%s %s\n' "$release" "$code" | put "$D/exit"
  # Children that the service did not end itself, and the watcher of the log; all of this group.
  [ "$(pgroup "$group")" = "$group" ] && kill -KILL 0
}

# ---- looking at it -------------------------------------------------------------------------------

listeners() { # inodes of sockets that listen on a port, from proc(5) net/tcp
  # shellcheck disable=SC2046
  awk -v want="$(printf '%04X' "$1")" \
    '$4 == "0A" { split($2, at, ":"); if (at[2] == want) print $10 }' \
    $(ls /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

holds() { # holds <pid> <inode>
  ls -l "/proc/$1/fd" 2>/dev/null | grep -q "socket:\[$2\]"
}

port_owner() { # free, or who has it
  if [ -r /proc/net/tcp ]; then
    inode=$(listeners "$1" | head -n 1)
    [ -n "$inode" ] || { echo free; return; }
    for process in /proc/[0-9]*; do
      pid=${process#/proc/}
      if holds "$pid" "$inode"; then
        # The name alone: arguments of foreign processes may hold secrets.
        echo "process $pid ($(cat "$process/comm" 2>/dev/null))"
        return
      fi
    done
    echo "another user's process"
  elif command -v lsof >/dev/null 2>&1; then
    pid=$(lsof -nP -t -iTCP:"$1" -sTCP:LISTEN 2>/dev/null | head -n 1)
    if [ -n "$pid" ]; then echo "process $pid"; else echo free; fi
  else
    probe "$1" / 2
    if [ "$P_SEEN" = refused ]; then echo free; else echo "an unknown process"; fi
  fi
}

group_members() { # in one go: a busy host has hundreds of processes
  cat /proc/[0-9]*/stat 2>/dev/null |
    awk -v group="$1" '{ pid = $1; sub(/^.*[)] /, ""); if ($3 == group) print pid }'
}

# Whether the port's listener belongs to the service: an answer from somebody else proves nothing.
listener_is_ours() { # listener_is_ours <port>
  [ -r /proc/net/tcp ] || return 0
  read_service || return 1
  members=$(group_members "$S_GROUP")
  for inode in $(listeners "$1"); do
    for pid in $members; do
      holds "$pid" "$inode" && return 0
    done
  done
  return 1
}

BODY_BYTES=65536

# One GET on loopback, past every proxy and configuration file. Sets P_SEEN (a status, `refused`,
# `timeout` or `error`); the body's beginning is in $D/body.$$: others may be asking as well.
probe() { # probe <port> <path> <seconds>
  P_SEEN=error
  url=http://127.0.0.1:$1$2
  mark "$D/body.$$"
  if command -v curl >/dev/null 2>&1; then
    rm -f "$D/head.$$"
    # Without --max-time a server that never ends its answer would hold the deploy.
    code=$( { { curl -q -sS --noproxy '*' --max-time "$3" -D "$D/head.$$" "$url" 2>/dev/null
      echo $? >&3; } | head -c "$BODY_BYTES" >"$D/body.$$"; } 3>&1 )
    seen=$(sed -n 's/^HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$D/head.$$" 2>/dev/null | tail -n 1)
    case $code in
      7) P_SEEN=refused ;;
      28) P_SEEN=timeout ;;
      # 23: we stopped reading a long body on purpose.
      0 | 23) P_SEEN=${seen:-error} ;;
    esac
  elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
    # shellcheck disable=SC2016
    timeout "$3" bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 7
      printf "GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n" "$2" "$1" >&3
      head -c "$3" <&3' probe "$1" "$2" "$BODY_BYTES" >"$D/answer.$$" 2>/dev/null
    code=$?
    seen=$(sed -n '1s/^HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$D/answer.$$")
    sed '1,/^.\{0,1\}$/d' "$D/answer.$$" >"$D/body.$$"
    case $code in
      7) P_SEEN=refused ;;
      124 | 143) P_SEEN=timeout ;;
      0) P_SEEN=${seen:-error} ;;
    esac
  elif command -v wget >/dev/null 2>&1; then
    # GNU and busybox share these options; busybox leaves out the body of an error. Only a time from
    # outside bounds it: GNU wget tries 20 times, and a busybox may be built without -T, and crash.
    fetch="timeout $3 wget"
    command -v timeout >/dev/null 2>&1 || fetch="wget -T $3"
    # shellcheck disable=SC2086
    code=$( { { http_proxy='' $fetch -q -S -O - "$url" 2>"$D/head.$$"
      echo $? >&3; } | head -c "$BODY_BYTES" >"$D/body.$$"; } 3>&1 )
    seen=$(sed -n 's/.*HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$D/head.$$" | head -n 1)
    # timeout(1) says 124, its busybox twin 143.
    if [ "$code" = 124 ] || [ "$code" = 143 ] || grep -q -i 'timed out' "$D/head.$$"; then
      P_SEEN=timeout
    elif [ -n "$seen" ]; then
      P_SEEN=$seen
    elif grep -q -i refused "$D/head.$$" || [ ! -s "$D/head.$$" ]; then
      # GNU wget -q says nothing at all of a refused connection.
      P_SEEN=refused
    fi
  else
    refuse tool "none of curl, bash and wget is on this host"
  fi
}

accepted() { # accepted <status>: STATUSES are numbers and ranges, `200-299 404`
  for span in $STATUSES; do
    case $1 in [0-9][0-9][0-9]) [ "$1" -ge "${span%-*}" ] && [ "$1" -le "${span#*-}" ] && return 0 ;; esac
  done
  return 1
}

healthy() { # healthy <release> [seconds]: by its own contract, in its own time; else says why not
  read_health "$1"
  WAIT=${2:-$WAIT}
  until=$(($(now) + WAIT))
  good=0
  while :; do
    running "$1" || { echo "its process has ended"; return 1; }
    probe "$PORT" "$HEALTH" "$TRY"
    if accepted "$P_SEEN"; then good=$((good + 1)); else good=0; fi
    if [ "$good" -ge "$TIMES" ]; then break; fi
    [ "$(now)" -lt "$until" ] || { echo "its health check says $P_SEEN"; return 1; }
    beat
    sleep "$INTERVAL" 2>/dev/null || sleep 1
  done
  listener_is_ours "$PORT" || { echo "another process answers on port $PORT"; return 1; }
  [ -n "$VERSION" ] || return 0
  probe "$PORT" "$VERSION_PATH" "$TRY"
  case $P_SEEN in 2??) ;; *) echo "asked for its version, it says $P_SEEN" && return 1 ;; esac
  grep -qF -- "$VERSION" "$D/body.$$" || { echo "it does not name version $VERSION"; return 1; }
}

# ---- the way back --------------------------------------------------------------------------------

finish_commit() { # finish_commit <release> <token> <by>: may be repeated
  date +%s | put "$dir/releases/$1/GOOD" ||
    refuse unwritable "release $1 cannot be marked as good"
  rm -f "$dir/releases/$1/BAD"
  if [ "$J_KIND" = rollback ] && [ "$J_GOOD" != - ]; then mark "$dir/releases/$J_GOOD/BAD"; fi
  history good "$1" "$J_GOOD" "$2" "$3"
  rm -f "$D/journal"
  sync "$D" 2>/dev/null || sync
}

# From any journal to one known good release. What it did is its last line:
#   none | forward <release> | restored <release> | stopped | failed <release> <why>
# A journal that could not be closed stays open for the next try.
heal() { # heal <by>
  read_journal || { echo none; return 0; }
  rm -f "$D/reserve"
  if [ "$J_PHASE" = commit ]; then
    # The verdict was in: the release is good if it still serves.
    if why=$(healthy "$J_TO"); then
      finish_commit "$J_TO" "$J_TOKEN" "$1"
      echo "forward $J_TO"
      return 0
    fi
  fi
  if [ "$J_GOOD" = - ]; then
    stop_service
    rm -f "$dir/current"
    close_journal stopped "$1"
    echo stopped
    return 0
  fi
  why=$(intact "$J_GOOD") || { echo "failed $J_GOOD its files are damaged: $why"; return 1; }
  # A good service that was never touched is not restarted for the sake of it, a sick one is, once.
  for attempt in 1 2; do
    if ! running "$J_GOOD" || [ "$attempt" = 2 ]; then
      stop_service
      [ "$(serving_name)" = "$J_GOOD" ] || point "$J_GOOD"
      why=$(start_service "$J_GOOD") || { why=${why#error }; continue; }
    elif [ "$(serving_name)" != "$J_GOOD" ]; then
      point "$J_GOOD"
    fi
    if why=$(healthy "$J_GOOD"); then
      close_journal restored "$1"
      echo "restored $J_GOOD"
      return 0
    fi
  done
  history failed "$J_TO" "$J_GOOD" "$J_TOKEN" "$1"
  echo "failed $J_GOOD $why"
  return 1
}

close_journal() { # close_journal <event> <by>
  if [ "$J_KIND" = deploy ] && [ -n "$J_TO" ] && [ ! -f "$dir/releases/$J_TO/GOOD" ]; then
    if [ "$J_PHASE" = begin ]; then
      rm -rf "$dir/releases/$J_TO"
    elif [ -d "$dir/releases/$J_TO" ]; then
      mark "$dir/releases/$J_TO/BAD"
    fi
  fi
  history "$1" "$J_TO" "$J_GOOD" "$J_TOKEN" "$2"
  rm -f "$D/journal"
  sync "$D" 2>/dev/null || sync
}

watch() { # watch <token> <seconds of silence>: the dead-man's switch
  self
  # By a name of its own: at the end $1 is that of whatever function ended it.
  watched=$1
  printf '%s %s\n' "$me" "$(started "$me")" >"$D/watch.$watched"
  trap 'rm -f "$D/watch.$watched"; forget' EXIT
  # The lock is written by the command that started us, which holds the mutex until it has ended.
  (enter ever && read_lock && [ "$L_TOKEN" = "$1" ]) || exit 0
  while read_lock && [ "$L_TOKEN" = "$1" ]; do
    if [ "$(silence)" -ge "$2" ]; then
      # As long as it takes: whoever is at work may be killed, and then there is nobody else.
      enter ever
      # Asked again now that nobody else is at work.
      if read_lock && [ "$L_TOKEN" = "$1" ] && [ "$(silence)" -ge "$2" ]; then
        (heal timer) >"$D/healed" 2>&1
        rm -f "$D/lock"
        exit 0
      fi
      exec 9>&-
    fi
    sleep 1
  done
}

arm() { # arm <token> <seconds>: returns once the watcher lives
  rm -f "$D/watch.$1"
  (detached sh "$D/agent.sh" watch "$dir" "$1" "$2" </dev/null >/dev/null 2>&1 9>&- &)
  until=$(($(now) + 10))
  while [ ! -s "$D/watch.$1" ]; do
    [ "$(now)" -lt "$until" ] || refuse start "the dead-man timer did not come up"
    nap
  done
}

# ---- commands ------------------------------------------------------------------------------------

# What the probes of this process left.
forget() { rm -f "$D/body.$$" "$D/head.$$" "$D/answer.$$"; }

command=${1:-}
dir=${2:-}
case $dir in /*) ;; *) refuse usage "usage: agent.sh <command> <absolute folder> …" ;; esac
D=$dir/.deploy
shift 2
[ "$command" = hello ] || [ -d "$D" ] || refuse usage "$dir is no folder of deploy-with-rollback"
trap forget EXIT

case $command in
  hello) # what this host is and has; makes the folders
    mkdir -p "$D/logs" "$dir/releases" 2>/dev/null && printf '' 2>/dev/null >>"$D/mutex" ||
      refuse unwritable "$dir cannot be written"
    chmod 700 "$D" "$dir/releases"
    for tools in 'flock perl' 'setsid perl' 'curl bash wget' 'sha256sum shasum' awk; do
      found=
      for tool in $tools; do command -v "$tool" >/dev/null 2>&1 && found=$tool && break; done
      [ -n "$found" ] || refuse tool "this host has none of: $tools"
    done
    echo "platform $(uname -s) $(uname -m)"
    ;;

  lock) # lock <dir> <token> <pid> <dead-man seconds> <label>
    enter 240
    if read_lock; then
      if holder_is_dead; then
        echo "dead $L_TOKEN"
      else
        echo "held $L_PID $L_LABEL"
        exit 0
      fi
    fi
    start=$(started "$2") || refuse usage "there is no process $2"
    # Of those that were killed.
    rm -f "$D"/watch.* "$D"/body.* "$D"/head.* "$D"/answer.*
    beat || refuse unwritable "$D cannot be written"
    arm "$1" "$3"
    printf '%s %s %s %s %s %s %s\n' "$1" "$2" "$start" "$(boot)" "$(namespace)" "$3" "$4" |
      put "$D/lock" || refuse unwritable "the lock in $D cannot be written"
    echo locked
    ;;

  unlock)
    enter
    if read_lock && [ "$L_TOKEN" = "$1" ]; then
      rm -f "$D/lock"
      echo unlocked
    else
      echo lost
    fi
    ;;

  beat)
    read_lock && [ "$L_TOKEN" = "$1" ] || refuse lost "this deploy no longer holds the lock of $dir"
    beat
    ;;

  begin) # begin <dir> <token> <kind> <release>
    known_release "$3"
    enter && own_lock "$1"
    reserve
    good=$(last_good)
    printf 'begin %s %s %s %s\n' "$1" "$2" "$3" "${good:--}" | put "$D/journal" ||
      refuse unwritable "the journal in $D cannot be written"
    sync "$D" 2>/dev/null
    echo "good ${good:--}"
    ;;

  admit) # the copy is checked where it will run
    known_release "$2"
    enter && own_lock "$1"
    why=$(intact "$2") || refuse integrity "the copy of release $2 is damaged: $why"
    beat
    # On the disk, so that a power cut does not leave a release that only looks whole.
    find "$dir/releases/$2" \( -type f -o -type d \) -exec sync {} + 2>/dev/null || sync
    sync "$dir/releases" 2>/dev/null || sync
    beat
    note copied
    ;;

  switch)
    known_release "$2"
    enter && own_lock "$1"
    note switch
    point "$2"
    ;;

  stop-old)
    enter && own_lock "$1"
    note stop
    stop_service
    beat
    ;;

  start)
    known_release "$2"
    enter && own_lock "$1"
    note start
    start_service "$2"
    beat
    ;;

  observe) # observe <dir> <token> <release> <port> <path> <seconds>: one look, body after `--`
    known_release "$2"
    own_lock "$1"
    if running "$2"; then
      probe "$3" "$4" "$5"
      beat
      # Looked at again: a crash explains a refused connection.
      if running "$2"; then
        echo "process running $S_PID"
        echo "probe $P_SEEN"
        echo --
        head -c 4096 "$D/body.$$"
        exit 0
      fi
    fi
    # The keeper writes the exit status a moment after the end.
    until=$(($(now) + 2))
    CODE=gone
    until ended "$2" || [ "$(now)" -ge "$until" ]; do CODE=gone && nap; done
    echo "process exited $CODE"
    ;;

  listener) # whose answer it was
    if listener_is_ours "$2"; then echo ours; else echo "other $(port_owner "$2")"; fi
    ;;

  port) # port <dir> <port>: free, ours or who has it
    owner=$(port_owner "$1")
    if [ "$owner" != free ] && running && listener_is_ours "$1"; then owner=ours; fi
    echo "port $owner"
    ;;

  healthy) # healthy <dir> <release> [seconds]
    known_release "$1"
    if why=$(healthy "$@"); then echo healthy; else echo "sick $why"; fi
    ;;

  commit) # commit <dir> <token> <release>
    known_release "$2"
    enter && own_lock "$1"
    read_journal || refuse lost "there is no open journal"
    note commit
    finish_commit "$2" "$1" action
    echo committed
    ;;

  heal) # heal <dir> <token> <by>
    enter && own_lock "$1"
    heal "$2"
    exit 0
    ;;

  heal-now) # the same in a session of its own; the lock goes with it
    enter && own_lock "$1"
    beat_at 0
    arm "$1" 0
    echo healing
    ;;

  prune) # prune <dir> <token> <keep>: never the current release, never the last good one
    enter && own_lock "$1"
    now_serving=$(serving_name)
    good=$(last_good)
    kept=0
    for name in $(by_worth); do
      [ "$name" = "$now_serving" ] || [ "$name" = "$good" ] && continue
      kept=$((kept + 1))
      [ "$kept" -gt "$2" ] || continue
      rm -rf "$dir/releases/$name" "$D/logs/$name.log" "$D/logs/$name.log.old"
      echo "removed $name"
    done
    ;;

  log) # log <dir> <release> <lines>
    known_release "$1"
    tail -n "$2" "$D/logs/$1.log" 2>/dev/null | tail -c 16384
    exit 0
    ;;

  releases) # latest verified first, then the others: <id> <good|retired|bad|open> <identity>
    for name in $(by_worth); do
      mark=open
      [ -f "$dir/releases/$name/BAD" ] && mark=bad
      # Verified once, whatever became of it: what may be named as the release to roll back to.
      [ -f "$dir/releases/$name/GOOD" ] && mark=$([ "$mark" = bad ] && echo retired || echo good)
      echo "release $name $mark $(cat "$dir/releases/$name/identity" 2>/dev/null)"
    done
    ;;

  status)
    echo "current $(serving_name)"
    echo "good $(last_good)"
    if running; then echo "running $S_RELEASE $S_PID"; else echo "running -"; fi
    if read_journal; then
      echo "journal $J_PHASE $J_KIND $J_TO $J_GOOD $J_TOKEN"
    else
      echo "journal -"
    fi
    if read_lock; then echo "lock $L_TOKEN $L_PID $L_LABEL"; else echo "lock -"; fi
    tail -n 1 "$D/history.jsonl" 2>/dev/null | sed 's/^/history /'
    ;;

  stop) # by hand; a deploy at work is not disturbed
    enter 60
    if read_lock && ! holder_is_dead; then
      refuse busy "a deploy is at work (process $L_PID, $L_LABEL)"
    fi
    stop_service
    echo stopped
    ;;

  keep) keep "$1" ;;
  watch) watch "$1" "$2" ;;
  *) refuse usage "unknown command $command" ;;
esac
