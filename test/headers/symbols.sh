#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: symbols.sh [-i] [-I DIR]... [-S DIR]... LIBRARY MAP
#
# What the shared library shows and what it takes: exactly the names of its
# map, all of them declared in the headers and all that these declare; its
# SONAME; and no call that ends the process, prints or raises. -i: the build is
# instrumented, so what it takes is not only its own. CC: what reads the
# headers. Exit status 77: the library is not a shared one.

set -u
export LC_ALL=C

instrumented=
count=$#
library=
map=
while [ "$count" -gt 0 ]; do
	case $1 in
	-i)
		instrumented=yes
		;;
	-I)
		set -- "$@" "-I$2"
		shift
		count=$((count - 1))
		;;
	-S)
		[ "$2" = /usr/include ] || set -- "$@" -isystem "$2"
		shift
		count=$((count - 1))
		;;
	*.map) map=$1 ;;
	*) library=$1 ;;
	esac
	shift
	count=$((count - 1))
done

case $library in
*.so | *.so.*) ;;
*)
	echo "not here: $library is no shared library"
	exit 77
	;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# same WHAT WANTED FOUND
same()
{
	if ! [ -s "$2" ] || ! diff -u --label wanted --label found "$2" "$3"; then
		echo "FAILED: $1"
		failed=1
	fi
}

# What has to stay the caller's decision. The library's promise: never prints, exits or aborts.
denied='_?_?exit|_Exit|quick_exit|at_quick_exit|pthread_exit|abort|err|errx|verrx?|warnx?|vwarnx?
error|error_at_line|__assert.*|assert|signal|bsd_signal|sigaction|raise|kill|tgkill|pthread_kill
(__)?v?f?printf(_chk)?|(__)?v?dprintf(_chk)?|puts|fputs|putchar|fputc|putc|fwrite|perror|psignal
stderr|stdout|_IO_.*|v?syslog|__v?syslog_chk|_?(sig)?longjmp|__longjmp_chk'

map_names()
{
	sed -n 's/^[ \t]*\(dsr_[a-z0-9_]*\);.*/\1/p' "$map" | sort
}

# The functions that the headers declare or define inline, from what the compiler reads: as
# lib/inline.c reads it, so that an inline function is not static. Only lines from our headers
# count, and of these only what is outside of any brace.
declared_names()
{
	printf '#define DSR_DEBUG 0\n#define DSR_INLINE\n#define DSR_INLINE_ALWAYS\n#include <disruptor/disruptor.h>\n' |
		${CC:-cc} -E -D_GNU_SOURCE "$@" -x c - |
		awk '
		/^# [0-9]+ "/ { ours = $3 ~ /\/disruptor\/[a-z]+\.h"$/; next }
		/^[ \t]*#/ || !ours { next }
		{
			gsub(/"[^"]*"/, "")
			count = split($0, letters, "")
			for (i = 1; i <= count; i++) {
				if (letters[i] == "{")
					depth++
				else if (letters[i] == "}" && --depth == 0)
					text = text ";"
				else if (depth == 0)
					text = text letters[i]
			}
			text = text " "
		}
		END {
			count = split(text, statements, ";")
			for (i = 1; i <= count; i++) {
				if (statements[i] ~ /(^|[ \t])(static|typedef)[ \t]/)
					continue
				if (match(statements[i], /dsr_[a-z0-9_]+[ \t]*\(/))
					print substr(statements[i], RSTART, RLENGTH - 1)
			}
			if (depth != 0)
				print "braces do not match"
		}' | sort -u
}

map_names >"$tmp/map"
sed 's/$/@@DISRUPTOR_0/' "$tmp/map" >"$tmp/wanted"
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort >"$tmp/found"
same 'the library exports what its map lists, and nothing else' "$tmp/wanted" "$tmp/found"

echo DISRUPTOR_0 >"$tmp/wanted"
nm -D --defined-only "$library" | awk '$2 == "A" { sub(/@.*/, "", $3); print $3 }' >"$tmp/found"
same 'one version' "$tmp/wanted" "$tmp/found"

nm -D --defined-only "$library" | awk '$2 != "A" && $2 != "T" { print $3 }' >"$tmp/found"
if [ -s "$tmp/found" ]; then
	cat "$tmp/found"
	echo 'FAILED: functions only, no data'
	failed=1
fi

declared_names "$@" >"$tmp/declared"
same 'the headers declare what the map lists, and nothing else' "$tmp/map" "$tmp/declared"

echo 'libdisruptor.so.0' >"$tmp/wanted"
readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p' >"$tmp/found"
same 'the SONAME' "$tmp/wanted" "$tmp/found"

nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort >"$tmp/taken"
if [ -z "$instrumented" ] &&
	grep -x -E "$(echo "$denied" | tr '\n' '|' | sed 's/|$//')" "$tmp/taken"; then
	echo 'FAILED: the library takes what prints, raises or ends the process'
	failed=1
fi

echo "$(wc -l <"$tmp/map") exported, $(wc -l <"$tmp/taken") taken"
[ -s "$tmp/taken" ] || failed=1
exit $failed
