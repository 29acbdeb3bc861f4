#!/bin/sh
# ready: it answers PONG. alive: it answers anything, so that reading a large file at the start is not taken for death.
cli=$(command -v valkey-cli || command -v redis-cli)
REDISCLI_AUTH=$(tr -d '\n' </run/secrets/redis/probe-password)
export REDISCLI_AUTH
answer=$("$cli" -h 127.0.0.1 -p "$2" --user probe ping 2>&1)
case "$1 $answer" in
*PONG) exit 0 ;;
"alive "*LOADING* | "alive "*BUSY* | "alive "*MASTERDOWN*) exit 0 ;;
esac
echo "$answer"
exit 1
