#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_fakes.sh HERE CONFINED MACHINES WITH-NUMA
# The library where the system shows less, or something else, than is there: another
# machine's /sys, none, no /proc, and calls that are refused as in containers. TAP.

here=$1 confined=$2 machines=$3
# Built without libnuma it has one answer to everything.
refused="another thread's producer, or a CPU or node that is not ours"
[ "$4" = 1 ] || refused="needs NUMA"
number=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# case_of NAME WANTED-STATUS WORDS COMMAND...: all of it is in the output, a line each.
case_of()
{
	local name=$1 wanted=$2 words=$3 status verdict=ok

	shift 3
	"$@" >"$tmp/out" 2>&1
	status=$?
	number=$((number + 1))
	if [ $status -eq 77 ]; then
		echo "ok $number - $name # SKIP $(head -n 1 "$tmp/out")"
		return
	fi
	[ $status -eq "$wanted" ] || verdict="not ok"
	while IFS= read -r line; do
		grep -qF -- "$line" "$tmp/out" || verdict="not ok"
	done <<<"$words"
	echo "$verdict $number - $name"
	[ "$verdict" = ok ] && return
	failed=$((failed + 1))
	{ echo "exit status $status, not $wanted, or not found: $words"; cat "$tmp/out"; } | sed 's/^/# /'
}

# with_mounts SCRIPT COMMAND...: in a private namespace where the script has mounted.
with_mounts()
{
	local script=$1

	shift
	unshare --user --map-root-user --mount true 2>/dev/null || {
		echo "not here: no private mounts (unshare)"
		return 77
	}
	unshare --user --map-root-user --mount sh -ec "$script"'; exec "$@"' sh "$@"
}

# of MACHINE: mounts its nodes over ours.
of()
{
	echo "mount --bind $machines/$1/sys/devices/system/node /sys/devices/system/node"
}

# refusing CALLS COMMAND...: with EPERM, as a container's profile does; missing: ENOSYS.
refusing() { local calls=$1; shift; "$confined" 1 "$calls" -- "$@"; }
missing() { local calls=$1; shift; "$confined" 38 "$calls" -- "$@"; }

cpu=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')

case_of "as it is" 0 "thread here: tid" "$here"
case_of "no /sys" 0 "1 node
thread here: tid" with_mounts 'mount -t tmpfs none /sys' "$here"
case_of "no /sys, a node is required" 3 "did not start: slots" \
	with_mounts 'mount -t tmpfs none /sys' "$here" -n 900 -r
case_of "no /proc" 0 "on a CPU that is not known" \
	with_mounts 'mount -t tmpfs none /proc' "$here"
case_of "neither" 0 "on a CPU that is not known" \
	with_mounts 'mount -t tmpfs none /proc; mount -t tmpfs none /sys' "$here"
for machine in epyc-nps4 power9 cxl; do
	case_of "nodes of $machine" 0 "thread here: tid" with_mounts "$(of $machine)" "$here"
done
case_of "a node that is only shown" 0 "wanted on node 252: 0 are" \
	with_mounts "$(of power9)" "$here" -n 252
case_of "a node that is only shown, required" 3 "did not start: slots
on node 252" with_mounts "$(of power9)" "$here" -n 252 -r
case_of "mbind is refused" 0 "$refused" \
	refusing mbind "$here" -n 0
case_of "mbind is refused, the node required" 3 "did not start: slots" \
	refusing mbind "$here" -n 0 -r
case_of "move_pages is refused" 0 "the node is not known" refusing move_pages "$here" -n 0
case_of "move_pages is refused, the node required" 3 "did not start: slots" \
	refusing move_pages "$here" -n 0 -r
case_of "no NUMA in the kernel" 0 "needs NUMA" \
	missing mbind,move_pages,get_mempolicy "$here" -n 0
case_of "no NUMA in the kernel, a node required" 3 "needs NUMA" \
	missing mbind,move_pages,get_mempolicy "$here" -n 0 -r
case_of "pinning is refused: the plan is given up" 0 "not pinned" refusing set_affinity "$here"
case_of "pinning is refused: an explicit pin fails" 3 "did not start: handler here" \
	refusing set_affinity "$here" -p "$cpu"
case_of "locking is refused" 0 "not locked" refusing mlock "$here" -l
case_of "membarrier is refused" 0 "thread here: tid" refusing membarrier "$here"
case_of "all of it is refused" 0 "thread here: tid" \
	refusing mbind,move_pages,get_mempolicy,set_affinity,membarrier,mlock "$here" -n 0 -l
echo "1..$number"
exit $((failed > 0))
