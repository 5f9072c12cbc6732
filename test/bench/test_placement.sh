#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_placement.sh DISRUPTOR-BENCH MACHINES
# disruptor-bench placement: which placements it finds on machines that are not here, and
# that all are measured on this one. TAP.

tool=$1 machines=$2
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/test/package/common.sh"

list()
{
	"$tool" placement --list -R "$machines/$1" "${@:2}" >"$tmp/out" 2>"$tmp/err"
}

# chooses MACHINE "LINE..." [OPTION...]: the pairs, each with its CPUs and its cells. A line is
# PRODUCER@NODE>CONSUMER@NODE, and of each cell what its name says but the pages, each once
# for all kinds of pages that it has, with the node of the slots.
chooses()
{
	local machine=$1 lines=$2

	shift 2
	list "$machine" "$@" || return 1
	awk '
		/^[^ ].*producer CPU/ {
			match($0, /producer CPU .*/)
			split(substr($0, RSTART), word, /[ ,;]+/)
			if (line)
				print line
			line = word[3] "@" word[5] ">" word[8] "@" word[10]
		}
		/^ / {
			split($1, part, "/")
			match($0, /slots on .*/)
			node = substr($0, RSTART)
			node = node ~ /node[a-zA-Z ]*, [0-9]+,/ ? node : "-"
			sub(/^[^,]*, /, "", node)
			sub(/,.*/, "", node)
			key = part[2] "=" node
			if (key != last || part[1] != pair)
				line = line " " (part[1] != pair ? part[1] ":" : "") key ":"
			line = line (part[3] == "small" ? "s" : part[3] == "transparent" ? "t" : "p")
			last = key
			pair = part[1]
		}
		END { if (line) print line }' "$tmp/out" >"$tmp/got"
	printf '%s\n' "$lines" | sed 's/^[ \t]*//' | diff - "$tmp/got"
}

# tells MACHINE TEXT [OPTION...]: what the machine cannot show.
tells()
{
	list "$1" "${@:3}" && sed -n '/^What this cannot show/,$p' "$tmp/out" | tee /dev/stderr |
		grep -qF -- "$2"
}

# silent MACHINE TEXT: does not say so.
silent()
{
	list "$1" && ! grep -F -- "$2" "$tmp/out"
}

# refuses STATUS TEXT ARGUMENT...
refuses()
{
	local status=$1 text=$2 rc=0

	shift 2
	"$tool" placement "$@" >"$tmp/out" 2>"$tmp/err" || rc=$?
	cat "$tmp/err"
	[ $rc -eq "$status" ] && grep -qF -- "$text" "$tmp/err" && [ ! -s "$tmp/out" ]
}

tap "two sockets" chooses epyc-nps1 "\
	0@0>128@0 sibling:consumer=0:st other=1:st interleaved=-:st
	0@0>1@0 cache:consumer=0:st other=1:st interleaved=-:st
	0@0>8@0 node:consumer=0:st other=1:st interleaved=-:st
	0@0>64@1 remote-32:consumer=1:st producer=0:st interleaved=-:st"
tap "eight nodes, and a pool on two of them" chooses epyc-nps4 "\
	0@0>64@0 sibling:consumer=0:stp other=1:stp interleaved=-:st
	0@0>1@0 cache:consumer=0:stp other=1:stp interleaved=-:st
	0@0>4@0 node:consumer=0:stp other=1:stp interleaved=-:st
	0@0>8@1 remote-12:consumer=1:stp producer=0:stp other=2:st interleaved=-:st
	0@0>32@4 remote-32:consumer=4:st producer=0:st other=1:stp interleaved=-:st"
tap "a node that is memory only" chooses cxl "\
	0@0>48@0 sibling:consumer=0:st other=1:st memory=2:st interleaved=-:st
	0@0>1@0 cache:consumer=0:st other=1:st memory=2:st interleaved=-:st
	0@0>24@1 remote-21:consumer=1:st producer=0:st memory=2:st interleaved=-:st"
tap "a cache of two nodes" chooses intel-snc2 "\
	0@0>64@0 sibling:consumer=0:stp other=1:stp interleaved=-:st
	0@0>1@0 cache:consumer=0:stp other=1:stp interleaved=-:st
	0@0>16@1 remote-11:consumer=1:stp producer=0:stp other=2:st interleaved=-:st
	0@0>32@2 remote-20:consumer=2:st producer=0:st other=1:stp interleaved=-:st"
tap "there and back are not the same" chooses asymmetric "\
	0@0>1@0 cache:consumer=0:st other=1:st interleaved=-:st
	0@0>2@1 remote-15-30:consumer=1:st producer=0:st other=2:st interleaved=-:st
	0@0>4@2 remote-30-15:consumer=2:st producer=0:st other=1:st interleaved=-:st
	6@3>0@0 remote-20-40:consumer=0:st producer=3:st other=1:st interleaved=-:st
	0@0>6@3 remote-40-20:consumer=3:st producer=0:st other=1:st interleaved=-:st"
tap "nodes without memory" chooses threadripper "\
	0@0>32@0 sibling:consumer=0:st other=2:st interleaved=-:st
	0@0>1@0 cache:consumer=0:st other=2:st interleaved=-:st
	0@0>4@0 node:consumer=0:st other=2:st interleaved=-:st
	0@0>8@2 remote-16:consumer=2:st producer=0:st interleaved=-:st
	0@0>16@1 remote-16-memoryless:other=0:st interleaved=-:st"
tap "distances that nobody tells" chooses untold "\
	0@0>1@0 node:consumer=0:st other=1:st interleaved=-:st
	0@0>2@1 remote:consumer=1:st producer=0:st other=2:st interleaved=-:st
	0@0>4@2 remote-30:consumer=2:st producer=0:st other=1:st interleaved=-:st"
tap "what a container may use" chooses container "\
	2@0>18@0 sibling:consumer=0:st
	2@0>4@0 cache:consumer=0:st"
tap "a small virtual machine" chooses vm "0@0>1@0 node:consumer=0:st"
tap "no /sys" chooses no-sys "1@0>3@0 node:consumer=0:st"
tap "no nodes" chooses no-numa "0@0>1@0 cache:consumer=0:st"
tap "a pool on the only node" chooses isolated "\
	0@0>8@0 sibling:consumer=0:stp
	0@0>1@0 cache:consumer=0:stp"
tap "what makes no sense" chooses garbage "\
	0@0>1@0 sibling:consumer=0:stp other=1:st memory=5:st interleaved=-:st
	4@1>5@1 cache:consumer=1:st other=0:stp memory=5:st interleaved=-:st
	0@0>2@0 node:consumer=0:stp other=1:st memory=5:st interleaved=-:st
	0@0>4@1 remote-20:consumer=1:st producer=0:st memory=5:st interleaved=-:st"
cp -r "$machines/isolated" "$tmp/short"
rm "$tmp/short/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages"
echo 3 >"$tmp/short/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages"
machines=$tmp tap "a pool that has too few" chooses short "\
	0@0>8@0 sibling:consumer=0:st
	0@0>1@0 cache:consumer=0:st"
for machine in "$machines"/*; do
	case ${machine##*/} in one-cpu | pinned) continue ;; esac
	tap "${machine##*/}" list "${machine##*/}"
done

tap "one node is told" tells vm "One node: nothing to choose"
tap "one node's memory is told" tells container "Memory of one node only"
tap "a node without memory is told" tells threadripper "Node 3 has CPUs, and no memory"
tap "siblings that are none are told" tells graviton "No two of the CPUs are one core's"
tap "siblings that are some are not" silent cxl "one core's"
tap "caches that are not told" tells vm "does not tell which CPUs share a cache"
tap "caches that are not shared" tells ampere "No two cores share a last-level cache"
tap "an empty pool is told" tells vm "4 pages of 2 MiB"
tap "one that is not empty is not" silent isolated "2 MiB that"

tap "one CPU" refuses 3 "takes two CPUs" --list -R "$machines/one-cpu"
tap "one CPU that may be used" refuses 3 "takes two CPUs" --list -R "$machines/pinned"
tap "a folder that is not there" refuses 2 "$tmp/none" --list -R "$tmp/none"
tap "another machine cannot be measured" refuses 2 "--list" -R "$machines/vm"

# In words of shell: every cell of the list, with figures, in each file.
measures()
{
	"$tool" placement --list >"$tmp/list" || return $?
	"$tool" placement --quick --rounds 2 --json "$tmp/json" --csv "$tmp/csv" \
		--html "$tmp/html" >"$tmp/table" || { cat "$tmp/table"; return 1; }
	cat "$tmp/table"
	sed -n 's/^    \([^ ]*\) .*/\1/p' "$tmp/list" >"$tmp/cells"
	[ -s "$tmp/cells" ] && ! grep 'not as asked' "$tmp/table" && grep -q '^Advice:' "$tmp/table" &&
		python3 - "$tmp" <<-'END'
		import collections, csv, json, sys
		cells = open(f'{sys.argv[1]}/cells').read().split()
		html = open(f'{sys.argv[1]}/html').read()
		rows = list(csv.DictReader(open(f'{sys.argv[1]}/csv')))
		figures = json.load(open(f'{sys.argv[1]}/json'))
		metrics = {'one_way_ns', 'p50_ns', 'p90_ns', 'p99_ns', 'p99.9_ns', 'p99.99_ns', 'max_ns',
		           'ns_per_event'}
		seen = collections.Counter((row['scenario'], row['metric']) for row in rows)
		assert seen == {(c, m): 2 for c in cells for m in metrics}, seen
		assert all(float(row['value']) > 0 for row in rows), rows
		for cell in cells:
		    at = [float(next(r['value'] for r in rows if (r['scenario'], r['metric']) == (cell, m)))
		          for m in ('p50_ns', 'p90_ns', 'p99_ns', 'p99.9_ns', 'p99.99_ns', 'max_ns')]
		    assert at == sorted(at), (cell, at)
		    assert html.count(f'data-cell="{cell}"') == 3, cell
		assert len(figures.get('results', figures.get('records'))) == len(rows), figures.keys()
		END
}

# CPUs that are named have to be this machine's, too.
if taskset -c 0,1 true 2>/dev/null && [ "$(nproc)" -ge 2 ]; then
	tap "CPUs in the order they are named" chooses epyc-nps4 \
		"1@0>0@0 cache:consumer=0:stp other=1:stp interleaved=-:st" --cpus 1,0
	tap "CPUs on one node are told" tells cxl "all on one node" --cpus 0,1
	tap "one CPU is named" refuses 3 "takes two CPUs" --list -R "$machines/cxl" --cpus 1
	tap "all of them are measured here" measures
else
	tap_skip "all of them are measured here" "not here: one CPU"
fi
tap_end
