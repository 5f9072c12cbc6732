#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_installed.sh SOURCE
# disruptor as an installed library: what is installed, that programs find it
# by pkg-config from Meson and from a plain compiler line, shared and static,
# in C and C++, and that nothing stays behind.

source=$(cd "$1" && pwd)
. "$(dirname "$0")/common.sh"

prefix=$tmp/prefix
path=${PKG_CONFIG_PATH:-}
# An example need not use each parameter that a handler has.
strict='-Wall -Wextra -Wpedantic -Werror -Wno-unused-parameter'
flavours='gcc:-std=c11 clang:-std=c11 g++:-std=c++17 clang++:-std=c++17'

# install_to PREFIX BUILD [OPTION...]: the library alone; the rest is tested elsewhere.
install_to()
{
	local to=$1 build=$2

	shift 2
	meson setup "$build" "$tmp/source" --prefix="$to" --libdir=lib -Dbuildtype=plain \
		-Dtests=disabled -Dbench=disabled -Dwerror=true "$@"
	meson compile -C "$build" -j 2
	meson install -C "$build" --no-rebuild --quiet
}

use_prefix()
{
	export PKG_CONFIG_PATH=$1/lib/pkgconfig${path:+:$path}
	export LD_LIBRARY_PATH=$1/lib
}

prepare()
{
	copy_source "$tmp/source"
	readme_example "$tmp/example.c"
}

install_both()
{
	install_to "$prefix" "$tmp/both" -Ddefault_library=both -Ddocs=enabled
}

headers_are_there()
{
	(cd "$source/include/disruptor" && ls -- *.h && echo version.h) | LC_ALL=C sort >"$tmp/wanted"
	(cd "$prefix/include/disruptor" && find . -type f) | sed 's|^\./||' |
		LC_ALL=C sort >"$tmp/found"
	same "$tmp/wanted" "$tmp/found"
}

soname()
{
	readelf -d "$prefix/lib/libdisruptor.so" | grep -F 'Library soname: [libdisruptor.so.0]'
	[ "$(readlink "$prefix/lib/libdisruptor.so")" = libdisruptor.so.0 ]
	[ -f "$prefix/lib/libdisruptor.so.0" ]
}

# No more and no less than the map says. The version's own name is a symbol, too.
exports()
{
	nm -D --defined-only "$prefix/lib/libdisruptor.so" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort >"$tmp/found"
	exported_functions >"$tmp/wanted"
	[ -s "$tmp/wanted" ]
	same "$tmp/wanted" "$tmp/found"
}

# A program that is linked statically shares its names with what we call ours.
static_names()
{
	nm -g --defined-only "$prefix/lib/libdisruptor.a" | awk 'NF == 3 { print $3 }' >"$tmp/names"
	grep -x dsr_start "$tmp/names"
	# And the probes' weak one, which each user of sys/sdt.h has.
	none grep -v -e '^dsr_' -e '^_\.stapsdt\.base$' "$tmp/names"
}

pkg_config()
{
	pkg-config --validate disruptor
	sed -n "s/^ *version: '\(.*\)',\$/\1/p" "$source/meson.build" >"$tmp/wanted"
	pkg-config --modversion disruptor >"$tmp/found"
	same "$tmp/wanted" "$tmp/found"
	pkg-config --print-requires disruptor | grep '^liburcu\b'
}

pkg_config_numa()
{
	pkg-config --libs disruptor | none grep -e '-lnuma'
	pkg-config --print-requires-private disruptor | grep '^numa\b'
	pkg-config --static --libs disruptor | grep -e '-lnuma'
}

man_pages()
{
	public_functions >"$tmp/wanted"
	[ -s "$tmp/wanted" ]
	ls "$prefix/share/man/man7/disruptor.7"
	# -L: a link that leads nowhere is no page.
	find -L "$prefix/share/man/man3" -type f -name '*.3' | sed 's|.*/||; s|\.3$||' |
		LC_ALL=C sort >"$tmp/pages"
	LC_ALL=C comm -23 "$tmp/wanted" "$tmp/pages" >"$tmp/found"
	same /dev/null "$tmp/found"
}

# each_header COMPILER STANDARD: nothing has to be included before any of them.
each_header()
{
	local header language=c

	[ "$2" = -std=c11 ] || language=c++
	for header in "$prefix"/include/disruptor/*.h; do
		printf '#include <disruptor/%s>\nextern int alone;\n' "${header##*/}" \
			>"$tmp/header.$language"
		# shellcheck disable=SC2046,SC2086
		"$1" "$2" $strict -fsyntax-only -x $language "$tmp/header.$language" \
			$(pkg-config --cflags disruptor)
	done
}

# plain COMPILER STANDARD FLAG...: the line of the README, and the program runs.
plain()
{
	local compiler=$1 standard=$2 program=$tmp/example.c run=run_example

	shift 2
	if [ "$standard" != -std=c11 ]; then
		program=$source/test/package/consumer/example.cpp
		run='env'
	fi
	# shellcheck disable=SC2046,SC2086
	$compiler "$standard" $strict "$@" -o "$tmp/plain" "$program" \
		$(pkg-config --cflags --libs disruptor)
	$run "$tmp/plain"
}

# static_possible COMPILER: the machine has libc and what we need as archives.
static_possible()
{
	echo 'int main(void) { return 0; }' >"$tmp/probe.c"
	# shellcheck disable=SC2046
	"$1" -static -o "$tmp/probe" "$tmp/probe.c" -pthread \
		$(pkg-config --static --libs $(pkg-config --print-requires --print-requires-private \
			disruptor | awk '{ print $1 }')) >"$tmp/probe.log" 2>&1
}

plain_static()
{
	# shellcheck disable=SC2046,SC2086
	"$1" -std=c11 $strict -static -o "$tmp/plain_static" "$tmp/example.c" \
		$(pkg-config --static --cflags --libs disruptor)
	unset LD_LIBRARY_PATH
	run_example "$tmp/plain_static"
	readelf -l "$tmp/plain_static" | none grep INTERP
}

# meson_consumer BUILD [OPTION...]
meson_consumer()
{
	local build=$1

	shift
	mkdir -p "$tmp/consumer"
	cp "$source/test/package/consumer/meson.build" "$tmp/example.c" "$tmp/consumer/"
	meson setup "$build" "$tmp/consumer" --wrap-mode=nofallback "$@"
	meson compile -C "$build"
	run_example "$build/example"
	readelf -d "$build/example" >"$tmp/dynamic"
}

meson_shared()
{
	meson_consumer "$tmp/use_shared"
	grep 'NEEDED.*\[libdisruptor.so.0\]' "$tmp/dynamic"
}

meson_static()
{
	meson_consumer "$tmp/use_static" -Dprefer_static=true
	none grep 'NEEDED.*libdisruptor' "$tmp/dynamic"
	unset LD_LIBRARY_PATH
	run_example "$tmp/use_static/example"
}

files_in()
{
	find "$1" ! -type d
}

uninstalled()
{
	[ -n "$(files_in "$prefix")" ]
	ninja -C "$tmp/both" uninstall
	mkdir -p "$prefix"
	files_in "$prefix" >"$tmp/found"
	same /dev/null "$tmp/found"
}

# Static alone, put aside by DESTDIR as packagers do: nothing goes to the prefix.
destdir()
{
	DESTDIR=$tmp/aside install_to "$tmp/static" "$tmp/only_static" -Ddefault_library=static
	[ ! -e "$tmp/static" ]
	[ -f "$tmp/aside$tmp/static/lib/libdisruptor.a" ]
	mv "$tmp/aside$tmp/static" "$tmp/static"
	[ -z "$(files_in "$tmp/aside")" ]
}

only_static()
{
	use_prefix "$tmp/static"
	find "$tmp/static/lib" -name '*.so*' | none grep .
	# shellcheck disable=SC2046,SC2086
	${CC:-cc} -std=c11 $strict -o "$tmp/only_static/example" "$tmp/example.c" \
		$(pkg-config --static --cflags --libs disruptor)
	unset LD_LIBRARY_PATH
	run_example "$tmp/only_static/example"
}

without_numa()
{
	install_to "$tmp/plain_memory" "$tmp/numaless" -Dnuma=disabled -Ddocs=disabled
	use_prefix "$tmp/plain_memory"
	pkg-config --print-requires --print-requires-private disruptor | none grep numa
	readelf -d "$tmp/plain_memory/lib/libdisruptor.so" | none grep 'NEEDED.*numa'
	[ ! -e "$tmp/plain_memory/share/man" ]
	plain "${CC:-cc}" -std=c11
}

tap_need "the source and the README's example" prepare
tap_need 'shared and static are installed' install_both
use_prefix "$prefix"
tap 'all public headers, and no other' headers_are_there
tap 'libdisruptor.so.0 and its links' soname
tap 'exports what the map says and nothing else' exports
tap 'the archive defines dsr_ names only' static_names
tap 'disruptor.pc: version, liburcu' pkg_config
if pkg-config --exists numa; then
	tap 'disruptor.pc: libnuma for static programs only' pkg_config_numa
else
	tap_skip 'disruptor.pc: libnuma for static programs only' 'not here: a build without libnuma'
fi
tap 'each public function has a manual page' man_pages

for flavour in $flavours; do
	compiler=${flavour%%:*}
	standard=${flavour#*:}
	if ! have "$compiler"; then
		tap_skip "$compiler $standard" "there is no $compiler here"
		continue
	fi
	tap "each header alone, $compiler $standard" each_header "$compiler" "$standard"
	tap "a program, $compiler $standard" plain "$compiler" "$standard"
	tap "the same without debug checks" plain "$compiler" "$standard" -O2 -DNDEBUG
done
for compiler in gcc clang; do
	name="the README's example, all static, $compiler"
	if have $compiler && static_possible $compiler; then
		tap "$name" plain_static $compiler
	else
		tap_skip "$name" 'needs the archives of libc, liburcu and libnuma'
	fi
done
tap "a Meson project finds the shared library" meson_shared
tap 'a Meson project finds the static library' meson_static
tap 'uninstalling leaves no file' uninstalled
tap 'DESTDIR, and the static library alone' destdir
tap 'a program with the static library alone' only_static
tap 'without libnuma nothing asks for it' without_numa
tap_end
