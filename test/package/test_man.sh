#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_man.sh SOURCE BUILD
# The manual: correct mdoc, complete, and of one mind with the headers.

source=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
. "$(dirname "$0")/common.sh"

man=$source/lib/man
includes="-I$source/include -I$build/include $(pkg-config --cflags-only-I liburcu)"

# lint PAGE: pages of other packages may be missing here, ours not.
lint()
{
	cd "$man"
	mandoc -T lint -W style "$1" >"$tmp/messages" || [ -s "$tmp/messages" ]
	sed '/referenced manual not found/d' "$tmp/messages" >"$tmp/found"
	same /dev/null "$tmp/found"
}

# names [PAGE...]: what the pages say in their first section that they describe.
names()
{
	sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$@" | LC_ALL=C sort
}

described_once()
{
	names "$man"/*.3 >"$tmp/names"
	uniq -d "$tmp/names" >"$tmp/found"
	same /dev/null "$tmp/found"
	public_functions >"$tmp/wanted"
	[ -s "$tmp/wanted" ]
	LC_ALL=C comm -23 "$tmp/wanted" "$tmp/names" >"$tmp/found"
	same /dev/null "$tmp/found"
}

# references: each .Xr to one of ours leads to a name that some page describes.
references()
{
	sed -n 's/^.*Xr \(dsr_[a-z_]*\|disruptor\) \([37]\).*/\1/p' "$man"/*.[37] |
		LC_ALL=C sort -u >"$tmp/used"
	{
		names "$man"/*.[37]
		(cd "$man" && ls -- *.[37]) | sed 's/\.[37]$//'
	} | LC_ALL=C sort -u >"$tmp/names"
	[ -s "$tmp/used" ]
	LC_ALL=C comm -23 "$tmp/used" "$tmp/names" >"$tmp/found"
	same /dev/null "$tmp/found"
}

compile()
{
	# shellcheck disable=SC2086
	${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $includes "$1"
}

# prototypes PAGE: those of its synopsis, as C.
prototypes()
{
	awk '
		/^\.Sh / { synopsis = /^\.Sh SYNOPSIS/ }
		!synopsis { next }
		/^\.Ft / { type = substr($0, 5) }
		/^\.Fo / { name = $2; arguments = "" }
		/^\.Fa / { gsub(/^\.Fa |"/, "")
			   arguments = arguments (arguments == "" ? "" : ", ") $0 }
		/^\.Fc/ { print type " " name "(" arguments ");" }
	' "$1"
}

# A second declaration that differs from the first is an error.
synopses_are_the_headers()
{
	local page

	echo '#include <disruptor/disruptor.h>' >"$tmp/prototypes.c"
	for page in "$man"/*.3; do
		prototypes "$page" >>"$tmp/prototypes.c"
	done
	compile "$tmp/prototypes.c"
	sed -n 's/^.*[ *]\(dsr_[a-z_]*\)(.*/\1/p' "$tmp/prototypes.c" | LC_ALL=C sort >"$tmp/found"
	public_functions >"$tmp/wanted"
	same "$tmp/wanted" "$tmp/found"
}

# literal PAGE SECTION: what is displayed there, as it is.
literal()
{
	awk -v section="$2" '
		/^\.Sh / { inside = $0 == ".Sh " section }
		/^\.Ed/ { literal = 0 }
		inside && literal { gsub(/\\e/, "\\"); print }
		/^\.Bd -literal/ { literal = 1 }
	' "$1"
}

# The structs and types that a synopsis shows: the same members, types and order.
handler_is_the_header()
{
	sed -n '/^typedef int (\*dsr_/p; /^struct dsr_handler {/,/^};/p' \
		"$source/include/disruptor/processor.h" | tr -d ' \t\n' >"$tmp/wanted"
	literal "$man/dsr_processor.3" SYNOPSIS | tr -d ' \t\n' >"$tmp/found"
	[ -s "$tmp/wanted" ]
	same "$tmp/wanted" "$tmp/found"
}

# The example of disruptor(7) is a program; those of the other pages go with its types.
examples_compile()
{
	local page

	literal "$man/disruptor.7" EXAMPLES >"$tmp/program.c"
	grep 'int main(' "$tmp/program.c"
	compile "$tmp/program.c"
	sed '/^DSR_EVENT/q' "$tmp/program.c" >"$tmp/pieces.c"
	for page in "$man"/*.3; do
		literal "$page" EXAMPLES | sed 's/^static /extern /' >>"$tmp/pieces.c"
	done
	compile "$tmp/pieces.c"
}

for page in "$man"/*.[37] "$source"/bench/*.1; do
	if have mandoc; then
		tap "mandoc has no complaint about ${page##*/}" lint "$page"
	else
		tap_skip "mandoc has no complaint about ${page##*/}" 'there is no mandoc here'
	fi
done
tap 'each public function is described once' described_once
tap 'references between the pages lead somewhere' references
tap 'the synopses declare what the headers declare' synopses_are_the_headers
tap "struct dsr_handler is the header's" handler_is_the_header
tap 'the examples compile' examples_compile
tap_end
