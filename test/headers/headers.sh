#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: headers.sh COMPILER STANDARD [-I DIR]... [-S DIR]... FILE...
#
# Each header alone, and twice, so that it needs nothing before it and guards
# itself; each file that is no header as it is. -I: ours, whose warnings count;
# -S: a dependency's. Exit status 77: there is no such compiler here.

set -u

compiler=$1
standard=$2
shift 2
command -v "$compiler" >/dev/null 2>&1 || {
	echo "there is no $compiler here"
	exit 77
}
strict='-pedantic-errors -Wall -Wextra -Werror -Wundef'
# In C++ a function named like a struct, as dsr_producer() is, hides a constructor to -Wshadow.
case $standard in
c++*) language=c++ ;;
*) language=c strict="$strict -Wshadow -Wstrict-prototypes -Wmissing-prototypes" ;;
esac

# Paths may have spaces: the flags are built up as arguments, behind the files.
files=
count=$#
while [ "$count" -gt 0 ]; do
	case $1 in
	-I)
		set -- "$@" "-I$2"
		shift 2
		count=$((count - 2))
		;;
	-S)
		# The compiler's own; named again it would come before those of C++.
		[ "$2" = /usr/include ] || set -- "$@" -isystem "$2"
		shift 2
		count=$((count - 2))
		;;
	*)
		files="$files$1
"
		shift
		count=$((count - 1))
		;;
	esac
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
cases=0

# compile NAME SOURCE FLAG...: with optimisation, which sees more; no name may be mangled.
compile()
{
	name=$1
	source=$2
	shift 2
	cases=$((cases + 1))
	# shellcheck disable=SC2086
	if ! "$compiler" "-std=$standard" $strict -O2 -x "$language" -c "$source" \
		-o "$tmp/object" "$@" >"$tmp/log" 2>&1; then
		echo "FAILED: $name"
		cat "$tmp/log"
		failed=1
	elif nm -u "$tmp/object" | grep '_Z.*dsr_'; then
		echo "FAILED: $name: C++ names where C's should be"
		failed=1
	fi
}

# alone HEADER FLAG...
alone()
{
	header=disruptor/${1##*/}
	shift
	printf '#include <%s>\n#include <%s>\nextern int alone;\n' "$header" "$header" \
		>"$tmp/alone.c"
	compile "$header $flavour" "$tmp/alone.c" "$@"
}

# What a program may say before it includes us goes to all of it at once.
for flavour in '' -DNDEBUG -DDSR_ATOMIC_BUILTINS -D_GNU_SOURCE; do
	while read -r file; do
		case $flavour:$file in
		:*.h | *:*/disruptor.h) alone "$file" "$@" ${flavour:+"$flavour"} ;;
		*.h | *:) ;;
		*) compile "${file##*/} $flavour" "$file" "$@" ${flavour:+"$flavour"} ;;
		esac
	done <<-END
		$files
	END
done

echo "$compiler -std=$standard: $cases compiled"
[ "$cases" -gt 0 ] || exit 1
exit $failed
