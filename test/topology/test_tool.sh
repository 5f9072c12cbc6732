#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_tool.sh DISRUPTOR-BENCH MACHINES
# disruptor-bench topology: what a person and a program read of it. TAP.

tool=$1 machines=$2
number=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# check NAME COMMAND...
check()
{
	local name=$1

	shift
	number=$((number + 1))
	if "$@" >"$tmp/messages" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$tmp/messages"
		failed=$((failed + 1))
	fi
}

# has TEXT ARGUMENT...: the output has it, and the exit status is 0.
has()
{
	local text=$1

	shift
	"$tool" topology "$@" >"$tmp/out" && cat "$tmp/out" && grep -qF -- "$text" "$tmp/out"
}

# refuses TEXT ARGUMENT...: exit status 2, the reason on standard error, and nothing planned.
refuses()
{
	local text=$1

	shift
	"$tool" topology "$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 2 ] && cat "$tmp/err" && grep -qF -- "$text" "$tmp/err" &&
		! grep -q '^producer:' "$tmp/out"
}

# json ARGUMENT...: one object, with a seat for each thread and the producer.
json()
{
	local seats=$1

	shift
	"$tool" topology --json - "$@" 2>"$tmp/err" | python3 -c '
import json, sys
it = json.load(sys.stdin)
assert it["topology"]["nodes"] and it["topology"]["cpus"]
assert len(it["environment"]["node_ids"]) == len(it["topology"]["nodes"])
assert len(it.get("plan", {"seats": []})["seats"]) == int(sys.argv[1]), it["plan"]
' "$seats"
}

check "this machine" has "machine: "
check "this machine, as JSON" json 0
check "help" has "usage: disruptor-bench topology" -h
for machine in "$machines"/*; do
	check "${machine##*/}" has "machine: " -R "$machine" one two,three@near
	check "${machine##*/}, as JSON" json 4 -R "$machine" one two,three@near
done
check "a plan" has "journal: CPU 1, node 0, spins (shares L3 with producer, not a sibling)" \
	-R "$machines/epyc-nps4" -P 0 journal
check "a CPU of one's own" has "journal: CPU 9, node 1" -R "$machines/epyc-nps4" journal@9
check "what of it matters for a measurement" has "isolated 2-7,10-15; nohz_full 4-7,12-15" \
	--machine "$machines/isolated"
check "a folder that is not there" refuses "$tmp/none" -R "$tmp/none"
check "a pin that is none" refuses "somewhere" journal@somewhere
check "a producer that is nowhere" refuses "auto" --producer auto journal
check "a name twice" refuses "journal" journal journal
check "an option that is none" refuses "disruptor-bench topology -h" -x
echo "1..$number"
exit $((failed > 0))
