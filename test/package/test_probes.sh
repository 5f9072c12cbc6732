#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_probes.sh SOURCE
# The probes for tracers, as they are in the library's file, and the script that
# uses them.

source=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"

script=$source/lib/blocked.bt

prepare()
{
	copy_source "$tmp/source"
}

# build FEATURE: the library in a folder of that name.
build()
{
	meson setup "$tmp/$1" "$tmp/source" -Dprobes="$1" -Dwerror=true \
		-Dtests=disabled -Dbench=disabled -Ddocs=disabled
	meson compile -C "$tmp/$1" -j 2
}

library()
{
	echo "$tmp/$1/lib/libdisruptor.so"
}

# probes FILE: provider, name and each argument's size, below zero if it is signed; a line
# for each probe, however many places it has.
probes()
{
	LC_ALL=C readelf --wide --notes "$1" | awk '
		/Provider:/ { provider = $NF }
		/^ *Name:/ { name = $2 }
		/^ *Arguments:/ {
			line = provider " " name
			# Where an argument is may have spaces in it: [sp, 24].
			while (match($0, / -?[0-9]+@/)) {
				line = line " " substr($0, RSTART + 1, RLENGTH - 2)
				$0 = substr($0, RSTART + RLENGTH)
			}
			print line
		}' | LC_ALL=C sort -u
}

all_five()
{
	build enabled
	probes "$(library enabled)" >"$tmp/found"
	cat >"$tmp/wanted" <<-'END'
		disruptor blocked 8 -8
		disruptor gate 8 4
		disruptor start 8
		disruptor stop 8 -4
		disruptor woken 8 -8 8
	END
	same "$tmp/wanted" "$tmp/found"
}

# used: provider and name of each probe that the script names, with how many arguments it reads.
used()
{
	awk -F '[: \t/]' '
		/^usdt:/ { probe = $3 " " $4; most[probe] += 0 }
		/^}/ { probe = "" }
		probe {
			line = $0
			while (match(line, /arg[0-9]+/)) {
				n = substr(line, RSTART + 3, RLENGTH - 3) + 1
				if (n > most[probe])
					most[probe] = n
				line = substr(line, RSTART + RLENGTH)
			}
		}
		END { for (probe in most) print probe, most[probe] }
	' "$script" | LC_ALL=C sort
}

# The script reads no argument that its probe does not have.
script_is_answered()
{
	local provider name count line

	probes "$(library enabled)" >"$tmp/probes"
	used >"$tmp/used"
	cat "$tmp/used"
	for name in start stop blocked woken; do
		grep -x "disruptor $name [0-9]*" "$tmp/used"
	done
	while read -r provider name count; do
		line=$(grep "^$provider $name " "$tmp/probes")
		# shellcheck disable=SC2086
		set -- $line
		[ $(($# - 2)) -ge "$count" ]
	done <"$tmp/used"
}

# Read, not run.
bpftrace_reads()
{
	bpftrace -d "$1" "$(library enabled)"
}

bpftrace_runs()
{
	have bpftrace && bpftrace -d -e 'BEGIN { exit(); }' >"$tmp/bpftrace" 2>&1
}

script_is_bpftrace()
{
	bpftrace_reads "$script"
	# And it would say so if it did not.
	sed 's/arg0/arg9/' "$script" >"$tmp/wrong.bt"
	none bpftrace_reads "$tmp/wrong.bt"
}

installed()
{
	meson introspect "$tmp/$1" --installed
}

none_at_all()
{
	build disabled
	probes "$(library disabled)" >"$tmp/found"
	same /dev/null "$tmp/found"
	installed disabled | none grep -F 'blocked.bt'
}

script_is_installed()
{
	installed enabled | grep -F '/share/disruptor/blocked.bt'
}

have_sdt()
{
	echo '#include <sys/sdt.h>' | ${CC:-cc} -x c -fsyntax-only - 2>"$tmp/sdt"
}

tap_need 'the source' prepare
if have_sdt; then
	tap_need 'five probes of the provider disruptor, and their arguments' all_five
	tap 'each probe that blocked.bt names is there, with the arguments it reads' script_is_answered
	tap 'blocked.bt is installed' script_is_installed
	if bpftrace_runs; then
		tap 'bpftrace reads blocked.bt' script_is_bpftrace
	else
		tap_skip 'bpftrace reads blocked.bt' 'not here: no bpftrace that runs'
	fi
else
	tap_skip 'five probes of the provider disruptor' 'there is no sys/sdt.h here'
fi
tap 'with -Dprobes=disabled none' none_at_all
tap_end
