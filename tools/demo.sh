#!/bin/bash
# The demo: a real program under goggles-scope, on a machine without a screen, with its page's address printed.
#
#   tools/demo.sh start BINARY     starts it and returns once it is ready
#   tools/demo.sh stop             stops what start has started
#
# GOGGLES_DEMO_LISTEN is where it listens [127.0.0.1:4433]; GOGGLES_DEMO_DIR is where its log and pid lie
# [target/demo].
set -euo pipefail
cd "$(dirname "$0")/.."

listen=${GOGGLES_DEMO_LISTEN:-127.0.0.1:4433}
dir=${GOGGLES_DEMO_DIR:-target/demo}
log=$dir/log

# The pid, if it is alive and still ours.
running() {
    local pid
    pid=$(cat "$dir/pid" 2>/dev/null) || return 1
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = goggles-scope ] && echo "$pid"
}

start() {
    local binary=$1 pid ready status url
    if pid=$(running); then
        echo "demo: it is running already (pid $pid); make demo-stop ends it" >&2
        exit 1
    fi
    mkdir -p "$dir"
    rm -f "$dir/ready"
    mkfifo -m 600 "$dir/ready"
    # Open for both: neither side waits for the other to open.
    exec 3<>"$dir/ready"
    if [ -z "${XDG_RUNTIME_DIR:-}" ]; then
        mkdir -p -m 700 "$dir/run"
        XDG_RUNTIME_DIR=$(realpath "$dir")/run
        export XDG_RUNTIME_DIR
    fi
    (
        status=0
        setsid "$binary" --backend headless -R "$dir/ready" --expose-wayland --stream "$listen" \
            -- glmark2-es2-wayland --size 1280x720 --run-forever >"$log" 2>&1 </dev/null 3>&- &
        pid=$!
        echo "$pid" >"$dir/pid"
        wait "$pid" || status=$?
        # Whoever waits for it to be ready learns that it has ended.
        echo "ended $status" >&3
    ) >/dev/null 2>&1 &
    if ! read -r -t 60 ready <&3; then
        echo "demo: not ready after 60 s; $log says:" >&2
        cat "$log" >&2
        stop
        exit 1
    fi
    case $ready in
        ended*)
            echo "demo: goggles-scope has $ready; $log says:" >&2
            cat "$log" >&2
            exit 1
            ;;
    esac
    url=$(grep -aoE 'https?://[^[:space:]]+#[^[:space:]]+' "$log" | head -n 1)
    echo "glmark2-es2-wayland runs under goggles-scope (pid $(running)). Open this in Chromium:"
    echo
    echo "    $url"
    echo
    echo "The address lets one browser in and is good once. The log is $log; 'make demo-stop' ends it."
}

stop() {
    local pid
    if ! pid=$(running); then
        echo "demo: it is not running" >&2
        return
    fi
    kill -TERM "$pid"
    tail --pid="$pid" -f /dev/null
    echo "demo: stopped" >&2
}

case ${1:-} in
    start) start "${2:?the binary}" ;;
    stop) stop ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
