#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: run.sh DRIVER LIMITS COMPILER [REASON]
#
# Counts the instructions that one event costs, in each of the modes in LIMITS,
# and compares them with the limit in COMPILER's column. The count is the
# difference of two runs, one with twice the events of the other, so that what
# comes once does not count. Exit status 1: a mode is more than 10 % above its
# limit; 77: not to be counted here, for REASON or for want of valgrind.

set -u
export LC_ALL=C

driver=$1
limits=$2
compiler=$3
reason=${4-}

command -v valgrind >/dev/null 2>&1 || reason=${reason:-there is no valgrind here}
case $compiler in
gcc) column=2 ;;
clang) column=3 ;;
*) reason=${reason:-there are no limits for $compiler} ;;
esac
if [ -n "$reason" ]; then
	echo "$reason"
	exit 77
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
events=16384
failed=0

# Copies without debug information: valgrind 3.19 gives up on that of clang, and counting wants
# none. A library that is loaded before is not looked for again.
shared=$(ldd "$driver" | awk '$1 ~ /^libdisruptor\.so/ { print $3 }')
objcopy --strip-debug "$driver" "$tmp/driver" || exit 1
if [ -n "$shared" ]; then
	objcopy --strip-debug "$shared" "$tmp/${shared##*/}" || exit 1
	shared=$tmp/${shared##*/}
fi

# count MODE EVENTS: prints how many instructions the measured part took.
count()
{
	if ! LD_PRELOAD=$shared valgrind --tool=callgrind --collect-atstart=no \
		--callgrind-out-file="$tmp/out" "$tmp/driver" "$1" "$2" >"$tmp/log" 2>&1; then
		tail -n 20 "$tmp/log" >&2
		return 1
	fi
	sed -n 's/^totals: \([0-9]*\).*/\1/p' "$tmp/out"
}

# judge MODE ONCE TWICE LIMIT
judge()
{
	awk -v mode="$1" -v once="$2" -v twice="$3" -v limit="$4" -v events="$events" '
	BEGIN {
		found = (twice - once) / events
		verdict = "ok"
		if (once <= 0 || found <= 0)
			verdict = "FAILED: nothing was counted"
		else if (found > limit * 1.1)
			verdict = "FAILED: more than 10 % above the limit"
		else if (found < limit * 0.8)
			verdict = "ok, but lower the limit"
		printf "%-20s %8.2f an event, limit %8.2f: %s\n", mode, found, limit, verdict
		exit verdict ~ /^FAILED/
	}'
}

grep -v -e '^#' -e '^[ \t]*$' "$limits" >"$tmp/limits"
while read -r mode gcc clang; do
	[ "$column" = 2 ] && limit=$gcc || limit=$clang
	if once=$(count "$mode" $events) && twice=$(count "$mode" $((2 * events))); then
		judge "$mode" "${once:-0}" "${twice:-0}" "$limit" || failed=1
	else
		echo "$mode: FAILED: no count"
		failed=1
	fi
done <"$tmp/limits"
[ -s "$tmp/limits" ] || failed=1
exit $failed
