#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_wraps.sh SOURCE
# Dependencies by wrap, on a machine that has no packages of them. Never
# fetches anything: the tarballs have to be in subprojects/packagecache.

source=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"

cache=$source/subprojects/packagecache

# value WRAP KEY
value()
{
	sed -n "s/^$2 = //p" "$1"
}

wraps_are_whole()
{
	local wrap overlay

	for wrap in "$source"/subprojects/*.wrap; do
		echo "$wrap"
		overlay=$source/subprojects/packagefiles/$(value "$wrap" patch_directory)
		grep "version: '$(value "$wrap" directory | sed 's/.*-//')'" "$overlay/meson.build"
		value "$wrap" source_hash | grep -x '[0-9a-f]\{64\}'
		value "$wrap" source_url | grep '^https://'
	done
}

# No .pc file is found, so each dependency has to come by its wrap.
prepare()
{
	mkdir -p "$tmp/consumer/subprojects" "$tmp/empty"
	cp "$source/test/package/consumer/meson.build" "$tmp/consumer/"
	readme_example "$tmp/consumer/example.c"
	copy_source "$tmp/consumer/subprojects/disruptor"
	printf '[wrap-file]\ndirectory = disruptor\n\n[provide]\ndisruptor = disruptor_dep\n' \
		>"$tmp/consumer/subprojects/disruptor.wrap"
	cp -r "$cache" "$tmp/consumer/subprojects/"
}

# build LIBRARY-KIND
build()
{
	export PKG_CONFIG_LIBDIR=$tmp/empty
	unset PKG_CONFIG_PATH
	meson setup "$tmp/$1" "$tmp/consumer" --wrap-mode=nodownload \
		-Ddisruptor:numa=enabled -Ddefault_library="$1"
	grep -e '-isystem[^ ]*/userspace-rcu-.*/lib/ring\.c' "$tmp/$1/compile_commands.json"
	grep -e '-isystem[^ ]*/numactl-.*/lib/node\.c' "$tmp/$1/compile_commands.json"
	meson compile -C "$tmp/$1" -j 2
	run_example "$tmp/$1/example"
}

cached()
{
	local wrap

	for wrap in "$source"/subprojects/*.wrap; do
		[ -f "$cache/$(value "$wrap" source_filename)" ] || return 1
	done
}

tap 'each wrap has a hash, a secure address and an overlay of its version' wraps_are_whole
if cached; then
	tap_need 'a project with disruptor and the tarballs' prepare
	tap 'liburcu and libnuma by wrap, shared' build shared
	tap 'liburcu and libnuma by wrap, static' build static
else
	tap_skip 'liburcu and libnuma by wrap' 'not here: no tarballs in subprojects/packagecache'
fi
tap_end
