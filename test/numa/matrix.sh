#!/bin/sh
# SPDX-License-Identifier: MIT
# Every placement that disruptor-bench finds on this machine is measured and is as asked, also
# in pages of a pool. The tool looks at each ring after its start. Runs in the guest. TAP.

tool=/build/bench/disruptor-bench
number=0 failed=0

# say GOOD NAME
say()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		failed=1
	fi
}

for node in /sys/devices/system/node/node[0-9]*; do
	echo 4 >"$node/hugepages/hugepages-2048kB/nr_hugepages"
done
$tool placement --list >/tmp/list || exit 1
sed -n 's|^    \([^ ]*/[^ ]*/[^ ]*\) .*|\1|p' /tmp/list >/tmp/cells
$tool placement --quick --rounds 1 --csv /tmp/csv >/tmp/table 2>&1
rc=$?
sed 's/^/# /' /tmp/table
say $rc "it ends well"
[ -s /tmp/cells ]
say $? "there are placements"
for want in consumer/small producer/transparent consumer/2m interleaved/small; do
	grep -q "^remote.*/$want\$" /tmp/cells
	say $? "one of them: $want"
done
while read -r cell; do
	[ "$(grep -c "^placement,$cell,disruptor,.*,[0-9.]*\$" /tmp/csv)" = 8 ]
	say $? "$cell"
done </tmp/cells
echo "1..$number"
exit $failed
