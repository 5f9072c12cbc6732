#!/bin/bash
# SPDX-License-Identifier: MIT
# A machine with other nodes than this one's, for as long as one command runs. See usage().

usage()
{
	cat <<-'END'
	usage: guest.sh [--topology NAME] [--timeout SECONDS] [--option QEMU-OPTION]...
	                [--boot KERNEL-PARAMETER]... BUILD -- COMMAND...

	Boots a kernel under QEMU's software emulation, which makes any nodes that the file
	topologies has a line for, and runs COMMAND there. BUILD is a build folder: its
	test programs and the benchmark are below /build, with what they need; the scripts
	beside this one are in /numa. Prints what COMMAND printed and ends as it did, but with

	77  there can be no guest here
	97  it ended without a verdict: its kernel has panicked, say
	98  it took longer than SECONDS, 240 unless told
	END
}

here=$(cd "$(dirname "$0")" && pwd)
kernel=$here/../../.build/test/guest/vmlinuz
name=one seconds=240
options=() parameters=()

skip()
{
	echo "$*"
	exit 77
}

while [ $# -gt 0 ]; do
	case $1 in
	--topology) name=$2; shift 2 ;;
	--timeout) seconds=$2; shift 2 ;;
	--option) options+=("$2"); shift 2 ;;
	--boot) parameters+=("$2"); shift 2 ;;
	--help | -h) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
done
[ $# -ge 3 ] && [ "$2" = -- ] && [ -d "$1" ] || { usage >&2; exit 2; }
build=$(cd "$1" && pwd)
shift 2

# machine NAME: QEMU's options for it, one a line; nothing if there is no such line.
machine()
{
	awk -v name="$1" '
		/^#/ || NF == 0 { next }
		/^[^ ]/ { inside = $1 == name; first = 3; if (inside) smp = $2 }
		/^ / { first = 1 }
		!inside { next }
		{
			for (i = first; i <= NF; i++)
				if (split($i, part, "=") == 2 && part[1] == "node")
					spec[nodes++] = part[2]
				else
					distance[part[1]] = part[2]
		}
		function value(from, to) {
			if (from == to)
				return 10
			if (from "-" to in distance)
				return distance[from "-" to]
			return to "-" from in distance ? distance[to "-" from] : 20
		}
		END {
			if (!nodes)
				exit
			for (i = 0; i < nodes; i++) {
				split(spec[i], part, ":")
				line = "node,nodeid=" i
				if (part[2] != "-")
					line = line ",cpus=" part[2]
				if (part[1] != "-") {
					print "-object\nmemory-backend-ram,id=m" i ",size=" part[1] "M"
					line = line ",memdev=m" i
					total += part[1]
				}
				print "-numa\n" line
			}
			for (i = 0; i < nodes; i++)
				for (j = 0; j < nodes; j++)
					print "-numa\ndist,src=" i ",dst=" j ",val=" value(i, j)
			print "-smp\n" smp "\n-m\n" total "M"
		}' "$here/topologies"
}

# put FILE: into the image, at the path that it has here.
put()
{
	[ -e "$image$1" ] || { mkdir -p "$image${1%/*}" && cp -L "$1" "$image$1"; }
}

# An image with the test programs, and what the dynamic linker would load for them.
fill()
{
	local programs library

	mkdir -p "$image"/{bin,proc,sys,dev,tmp,numa} || return 1
	cp "$(command -v busybox)" "$image/bin/busybox"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$image/bin/$applet"
	done
	cp "$here"/*.sh "$image/numa"
	mv "$image/numa/init.sh" "$image/init"
	programs=$(cd "$build" && find test bench/disruptor-bench -type f -perm -u+x \
		! -name '*.so*' ! -path '*.p/*' 2>/dev/null)
	(cd "$build" && cp -a --parents $programs lib/libdisruptor.so* "$image/build" 2>/dev/null)
	for library in $(cd "$build" && ldd $programs 2>/dev/null |
			sed -n 's/^.*[ \t]\(\/[^ ]*\) (0x.*/\1/p' | sort -u); do
		case $library in "$build"/*) ;; *) put "$library" ;; esac
	done
	# Not linked with: glibc asks for it when a thread is cancelled, or ends itself.
	for library in $(ldconfig -p 2>/dev/null | sed -n 's/.*libgcc_s.so.1 (.*x86-64.* => //p'); do
		put "$library"
	done
	printf '%q ' "$@" >"$image/command"
	(cd "$image" && find . | cpio --quiet -o -H newc) >"$tmp/image.cpio"
}

case $(uname -m) in x86_64) ;; *) skip "not here: the guest is for x86_64" ;; esac
for tool in qemu-system-x86_64 busybox cpio; do
	command -v $tool >/dev/null 2>&1 ||
		skip "$tool is missing: apt-get install qemu-system-x86 busybox-static cpio"
done
[ -f "$kernel" ] || skip "no kernel for the guest: run test/numa/fetch.sh"

mapfile -t machine < <(machine "$name")
[ ${#machine[@]} -gt 0 ] || { echo "No topology $name" >&2; exit 2; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
image=$tmp/image
mkdir -p "$image/build"
fill "$@" || { echo "The guest's image cannot be made" >&2; exit 97; }

# One thread for all CPUs: who spins with a pause then hands over at once, whatever the host
# does. The clock is the emulated machine's own.
timeout -k 5 "$seconds" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot \
	-display none -monitor none -machine pc,usb=off,vmport=off,hpet=off \
	-accel tcg,thread=single -cpu Nehalem "${machine[@]}" "${options[@]}" \
	-kernel "$kernel" -initrd "$tmp/image.cpio" \
	-append "console=ttyS0 quiet panic=-1 oops=panic nokaslr mitigations=off audit=0 \
numa_balancing=disable nowatchdog random.trust_cpu=on tsc=reliable no_timer_check rdinit=/init \
${parameters[*]}" \
	-serial "file:$tmp/console" -serial "file:$tmp/out" \
	-device isa-debug-exit,iobase=0xf4,iosize=0x04 </dev/null >"$tmp/qemu" 2>&1
status=$?

rc=$(sed -n 's/^@@RC=\([0-9]*\)$/\1/p' "$tmp/out" 2>/dev/null | tail -n 1)
grep -v '^@@RC=[0-9]*$' "$tmp/out" 2>/dev/null
if [ $status -eq 124 ] || [ $status -eq 137 ]; then
	verdict=98
	echo "The guest took more than $seconds seconds" >&2
elif [ -n "$rc" ] && [ $status -eq $(((2 * rc + 1) & 255)) ]; then
	exit "$rc"
else
	verdict=97
	echo "The guest ended without a verdict (QEMU: $status)" >&2
fi
tail -n 30 "$tmp/qemu" "$tmp/console" >&2
exit $verdict
