#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_tool.sh DISRUPTOR-BENCH MACHINES
# disruptor-bench topology: what a person and a program read of it. TAP.

tool=$1 machines=$2
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/test/package/common.sh"

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
	local text=$1 rc=0

	shift
	"$tool" topology "$@" >"$tmp/out" 2>"$tmp/err" || rc=$?
	[ $rc -eq 2 ] && cat "$tmp/err" && grep -qF -- "$text" "$tmp/err" &&
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

tap "this machine" has "machine: "
tap "this machine, as JSON" json 0
tap "help" has "usage: disruptor-bench topology" -h
for machine in "$machines"/*; do
	tap "${machine##*/}" has "machine: " -R "$machine" one two,three@near
	tap "${machine##*/}, as JSON" json 4 -R "$machine" one two,three@near
done
tap "a plan" has "journal: CPU 1, node 0, spins (shares L3 with producer, not a sibling)" \
	-R "$machines/epyc-nps4" -P 0 journal
tap "a CPU of one's own" has "journal: CPU 9, node 1" -R "$machines/epyc-nps4" journal@9
tap "what of it matters for a measurement" has "isolated 2-7,10-15; nohz_full 4-7,12-15" \
	--machine "$machines/isolated"
tap "a folder that is not there" refuses "$tmp/none" -R "$tmp/none"
tap "a pin that is none" refuses "somewhere" journal@somewhere
tap "a producer that is nowhere" refuses "auto" --producer auto journal
tap "a name twice" refuses "journal" journal journal
tap "an option that is none" refuses "disruptor-bench topology -h" -x
tap_end
