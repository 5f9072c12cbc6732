#!/bin/sh
# SPDX-License-Identifier: MIT
# suite.sh NAME COMMAND [NAME COMMAND]...: runs them one after the other and makes one TAP stream of
# theirs. A command that speaks none is one case. Runs in the guest.

count=0 failed=0
while [ $# -ge 2 ]; do
	begun=$(cut -d . -f 1 /proc/uptime)
	{ sh -c "$2" 2>&1; echo $? >/tmp/rc; } | awk -v name="$1" -v count=$count '
		function say(bad, what) {
			count++
			print (bad ? "not ok" : "ok"), count, "-", what
		}
		/^(not )?ok / {
			bad = /^not/
			sub(/^(not )?ok *[0-9]*( *- )?/, "")
			say(bad, name ": " $0)
			cases++
			failures += bad
			next
		}
		/^1\.\.[0-9]/ || /^TAP version/ { next }
		{ print (/^#/ ? "" : "# ") $0 }
		END {
			getline rc <"/tmp/rc"
			if (rc && !failures)
				say(1, name ": exit status " rc)
			else if (!cases)
				say(0, name)
			print count >"/tmp/count"
			exit rc || failures
		}' || failed=1
	count=$(cat /tmp/count)
	echo "# $1: $(($(cut -d . -f 1 /proc/uptime) - begun)) s"
	shift 2
done
echo "1..$count"
exit $failed
