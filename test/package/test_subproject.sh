#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_subproject.sh SOURCE
# disruptor as a subproject of another Meson project: found by dependency(),
# built with it, and otherwise out of its way.

source=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"

wrap()
{
	printf '[wrap-file]\n'
	printf '%s\n' "$@"
	printf '\n[provide]\ndisruptor = disruptor_dep\n'
}

# consumer FOLDER: a project without subprojects yet.
consumer()
{
	mkdir -p "$1/subprojects"
	cp "$source/test/package/consumer/meson.build" "$1/"
	readme_example "$1/example.c"
}

prepare()
{
	consumer "$tmp/by_folder"
	wrap 'directory = disruptor' >"$tmp/by_folder/subprojects/disruptor.wrap"
	copy_source "$tmp/by_folder/subprojects/disruptor"
}

# build FOLDER BUILD [OPTION...]: the parent's warnings are errors, so ours are, too.
build()
{
	local from=$1 to=$2

	shift 2
	meson setup "$to" "$from" "$@"
	grep -q -e '"command":.*-Werror.*/lib/ring\.c' "$to/compile_commands.json"
	meson compile -C "$to" -j 2
	run_example "$to/example"
}

# by_default: no copy of the machine's is there to be found instead.
by_default()
{
	build "$tmp/by_folder" "$tmp/default"
}

nodownload()
{
	build "$tmp/by_folder" "$tmp/nodownload" --wrap-mode=nodownload \
		--force-fallback-for=disruptor -Ddisruptor:default_library=static
}

no_needed()
{
	readelf -d "$1" >"$tmp/dynamic"
	none grep 'NEEDED.*libdisruptor' "$tmp/dynamic"
}

# The release as a tarball in Meson's package cache, named by a wrap with its
# hash: the way of a project that pins a version, without the network.
by_tarball()
{
	local cache=$tmp/by_tarball/subprojects/packagecache hash

	consumer "$tmp/by_tarball"
	mkdir "$cache"
	tar -c -z -f "$cache/disruptor.tar.gz" -C "$tmp/by_folder/subprojects" disruptor
	hash=$(sha256sum "$cache/disruptor.tar.gz")
	wrap 'directory = disruptor' 'source_url = https://example.invalid/disruptor.tar.gz' \
		'source_filename = disruptor.tar.gz' "source_hash = ${hash%% *}" \
		>"$tmp/by_tarball/subprojects/disruptor.wrap"
	build "$tmp/by_tarball" "$tmp/tarball" --force-fallback-for=disruptor
}

# introspect BUILD WHAT FIELD: that field of each, one a line.
introspect()
{
	meson introspect "$1" --"$2" |
		python3 -c 'import json, sys
for one in json.load(sys.stdin):
    print(one[sys.argv[1]])' "$3" | LC_ALL=C sort
}

no_foreign_targets()
{
	printf 'disruptor\nexample\n' >"$tmp/wanted"
	introspect "$1" targets name >"$tmp/found"
	same "$tmp/wanted" "$tmp/found"
}

no_foreign_tests()
{
	introspect "$1" tests name >"$tmp/found"
	introspect "$1" benchmarks name >>"$tmp/found"
	same /dev/null "$tmp/found"
}

# tests, bench and docs are off, unless the parent asks.
parts_are_off()
{
	sed -n 's/^ *\(tests\|bench\|docs\) *: *//p' "$1/meson-logs/meson-log.txt" >"$tmp/found"
	printf 'NO\nNO\nNO\n' >"$tmp/wanted"
	same "$tmp/wanted" "$tmp/found"
}

# skips_subprojects BUILD: with this option the parent installs what is its own only.
skips_subprojects()
{
	DESTDIR=$tmp/root meson install -C "$1" --no-rebuild --skip-subprojects
	(cd "$tmp/root" && find . -type f -o -type l) | sed 's|.*/||' >"$tmp/found"
	echo example >"$tmp/wanted"
	same "$tmp/wanted" "$tmp/found"
}

tap_need "the README's example and the source make a project" prepare
if pkg-config --exists disruptor; then
	tap_skip 'dependency() finds the subproject by default' 'not here: a disruptor is installed already'
else
	tap 'dependency() finds the subproject by default' by_default
fi
tap 'nothing is downloaded, and a static build runs' nodownload
tap 'the static build needs no shared library of ours' no_needed "$tmp/nodownload/example"
tap 'a wrap with a tarball and its hash' by_tarball
tap 'only the library is built for the parent' no_foreign_targets "$tmp/tarball"
tap 'no test and no benchmark comes to the parent' no_foreign_tests "$tmp/tarball"
tap 'tests, bench and docs are off' parts_are_off "$tmp/tarball"
tap 'meson install --skip-subprojects' skips_subprojects "$tmp/tarball"
tap_end
