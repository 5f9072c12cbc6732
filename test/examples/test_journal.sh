#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_journal.sh JOURNAL TICKS
# The examples as programs: whatever text goes in comes back, an end in the
# middle is an end, what cannot be written is told, and damage is found.

journal=$1
ticks=$2
. "$(dirname "$0")/../package/common.sh"

mkdir "$tmp/temporary"
export TMPDIR=$tmp/temporary
export LC_ALL=C
# What a sanitizer finds is no exit status of the program's.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=66
export UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}halt_on_error=1:exitcode=66

# Much longer than anything here takes: it is there to end what hangs.
limit=100

# run [ARGUMENT...]: the report goes to $tmp/report, complaints to $tmp/complaints.
run()
{
	timeout $limit "$journal" "$@" >"$tmp/report" 2>"$tmp/complaints"
}

# fails STATUS TEXT [ARGUMENT...]: ends so, and says TEXT.
fails()
{
	local wanted=$1 text=$2 rc=0

	shift 2
	run "$@" || rc=$?
	cat "$tmp/report" "$tmp/complaints"
	[ $rc -eq "$wanted" ]
	grep -F -e "$text" "$tmp/complaints"
}

# lines_of FILE: with the last one, if it has no end.
lines_of()
{
	awk 'END { print NR }' "$1"
}

# said FILE: the last report tells what FILE amounts to, and nothing was complained about.
said()
{
	echo "verified: $(lines_of "$1") lines, $(wc -c <"$1") bytes," \
		"nothing lost, duplicated or reordered" >"$tmp/wanted"
	cat "$tmp/report"
	same "$tmp/wanted" <(tail -n 1 "$tmp/report")
	same /dev/null "$tmp/complaints"
}

# records CODE FROM: FROM's records as @r, what CODE makes of them to stdout. It reads the
# format by itself, so that the program is not its own witness.
records()
{
	perl -0777 -ne '
		our @r;
		for (my $at = 0; $at < length; $at += length $r[-1]) {
			push @r, substr($_, $at, 24 + unpack("x8 L", substr($_, $at, 24)));
		}
		'"$1"';
		print @r' "$2"
}

texts='@r = map { unpack("x12 L", $_) & 2 ? () : substr($_, 24) } @r'

# survives FILE [OPTION...]: from a file and through a pipe, verified by the program and by us.
survives()
{
	local file=$1

	shift
	run "$@" -o "$tmp/journal" "$file"
	said "$file"
	records "$texts" "$tmp/journal" | cmp - "$file"
	cat "$file" | run "$@" -o "$tmp/journal" -
	said "$file"
	records "$texts" "$tmp/journal" | cmp - "$file"
	run -v "$tmp/journal"
	said "$file"
}

# The number before WORD in the last report.
reported()
{
	sed -n "s/.*\b\([0-9]\+\) $1.*/\1/p" "$tmp/report" | head -n 1
}

# await COMMAND...: until it succeeds.
await()
{
	local tries=$((limit * 20))

	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ]
		sleep 0.05
	done
}

# Input

make_log()
{
	awk 'BEGIN {
		for (i = 0; i < 6000; i++)
			printf "2024-05-%02d %02d:%02d:%02d status %s lib%x%d:amd64 %d.%d-%d\n",
				i / 250 + 1, i / 11 % 24, i / 7 % 60, i % 60,
				i % 3 ? "installed" : "half-configured", i * 2654435761 % 65536,
				i % 10, i % 12, i % 31, i % 4
	}' >"$tmp/dpkg.log"
	[ "$(wc -l <"$tmp/dpkg.log")" -eq 6000 ]
	awk 'BEGIN { for (i = 0; i < 40000; i++) printf "%o\n", i * 7919 % 40009 }' >"$tmp/words"
}

# filled LENGTH: so many bytes that are no end of a line.
filled()
{
	head -c "$1" /dev/zero | tr '\0' 'x'
}

# Around what an event holds, and what the buffer for reading does.
lengths()
{
	local length

	for length in 0 1 230 231 232 233 463 464 465 65311 65312 65535 65536 65537 131072; do
		filled $length
		echo
	done >"$tmp/lengths"
	survives "$tmp/lengths"
}

long_lines()
{
	{
		filled 100000
		printf '\nshort\n'
		seq 20000 | tr '\n' ' '
		echo
	} >"$tmp/long"
	survives "$tmp/long"
	survives "$tmp/long" -S -r 1
	survives "$tmp/long" -S -r 8
}

no_input()
{
	: >"$tmp/nothing"
	survives "$tmp/nothing"
	grep '^0 events' "$tmp/report" || run "$tmp/nothing"
	grep -x '0 batches, the largest of 0 events; 1 syncs, one of them for the end' "$tmp/report"
}

without_end()
{
	local length

	printf 'first\nlast' >"$tmp/cut"
	survives "$tmp/cut"
	for length in 1 232 233 65536 65537 100000; do
		filled $length >"$tmp/cut"
		survives "$tmp/cut" -S
		[ "$(reported lines,)" -eq 1 ]
	done
}

every_byte()
{
	perl -e 'print map { chr } 0 .. 255; print "\0\n\0\0\n", "\0" x 500, "\n\0"' >"$tmp/bytes"
	survives "$tmp/bytes"
}

empty_lines()
{
	printf '\n' >"$tmp/empty"
	survives "$tmp/empty"
	printf '\n\n\na\n\n\n' >"$tmp/empty"
	survives "$tmp/empty"
}

# Whatever a read brings, lines are put together from it.
in_small_pieces()
{
	local i

	for ((i = 0; i < 300; i++)); do
		printf 'a %s' $i
		printf ' and the rest\n%s' "${i%?}"
	done >"$tmp/pieces"
	while IFS= read -r -n 3 -d '' piece || [ -n "$piece" ]; do
		printf %s "$piece"
	done <"$tmp/pieces" | run -
	said "$tmp/pieces"
}

by_default()
{
	local rc=0

	run -S || rc=$?
	cat "$tmp/report" "$tmp/complaints"
	if [ $rc -eq 2 ]; then
		grep 'name a file' "$tmp/complaints"
	else
		[ $rc -eq 0 ]
		grep -x -e '/var/log/dpkg.log: .*' -e '/usr/share/dict/words: .*' "$tmp/report"
		grep '^verified: [1-9]' "$tmp/report"
	fi
}

# Ring, batches, threads

small_rings()
{
	local ring

	head -n 500 "$tmp/dpkg.log" >"$tmp/some"
	for ring in 1 2 4 64; do
		survives "$tmp/some" -S -r $ring
	done
	survives "$tmp/some" -r 1
}

batches()
{
	run "$tmp/dpkg.log"
	said "$tmp/dpkg.log"
	[ "$(reported syncs)" -eq $(($(reported batches) + 1)) ]
	[ "$(reported 'events in')" -eq 6000 ]
	head -n 100 "$tmp/dpkg.log" >"$tmp/some"
	run -b 1 "$tmp/some"
	said "$tmp/some"
	[ "$(reported batches)" -eq 100 ]
	[ "$(reported syncs)" -eq 101 ]
	run -b 7 "$tmp/dpkg.log"
	said "$tmp/dpkg.log"
	[ "$(sed -n 's/.*largest of \([0-9]*\).*/\1/p' "$tmp/report")" -le 7 ]
	run -S "$tmp/dpkg.log"
	[ "$(reported syncs)" -eq 0 ]
	none grep durable "$tmp/report"
}

latencies()
{
	run "$tmp/dpkg.log"
	cat "$tmp/report"
	# Percentiles do not fall, and nothing is durable before it was handled.
	awk '$1 == "handled" || $1 == "durable" {
			for (i = 3; i <= 6; i++)
				if ($i < $(i - 1))
					exit 1
			max[$1] = $6
		}
		END { exit !(max["handled"] > 0 && max["durable"] >= max["handled"]) }
	' "$tmp/report"
}

# Spinning takes a CPU of its own; without a choice of CPUs it sleeps, unpinned.
pinned()
{
	local first

	first=$(taskset -cp $BASHPID | sed 's/.*: //; s/[-,].*//')
	if [ "$(nproc)" -gt 1 ]; then
		run -S "$tmp/dpkg.log"
		cat "$tmp/report"
		grep '^thread journal: .*, pinned; waits by busy spin' "$tmp/report"
		run -S -c "$first" "$tmp/dpkg.log"
		cat "$tmp/report"
		grep "^thread journal: .*on CPU $first,.* pinned; waits by busy" "$tmp/report"
	fi
	taskset -cp "$first" $BASHPID
	run -S "$tmp/dpkg.log"
	cat "$tmp/report"
	grep '^thread journal: .* waits by park' "$tmp/report"
	grep '^verified:' "$tmp/report"
}

# Files

temporary_file()
{
	run "$tmp/dpkg.log"
	[ -z "$(ls "$TMPDIR")" ]
	run -k "$tmp/dpkg.log"
	ls "$TMPDIR"
	[ "$(ls "$TMPDIR" | wc -l)" -eq 1 ]
	grep -x "journal: $TMPDIR/journal-......" "$tmp/report"
	run -v "$TMPDIR"/journal-*
	said "$tmp/dpkg.log"
	rm "$TMPDIR"/journal-*
}

# A journal is replaced as a whole, and only when all else is well.
journal_file()
{
	run -o "$tmp/journal" "$tmp/words"
	said "$tmp/words"
	cp "$tmp/journal" "$tmp/before"
	fails 1 'power of two' -r 3 -o "$tmp/journal" "$tmp/dpkg.log"
	cmp "$tmp/before" "$tmp/journal"
	fails 1 'cannot open' -o "$tmp/journal" "$tmp/absent"
	cmp "$tmp/before" "$tmp/journal"
	fails 1 'cannot write' -o "$tmp/journal" "$tmp/journal"
	cmp "$tmp/before" "$tmp/journal"
	run -o "$tmp/journal" "$tmp/dpkg.log"
	run -v "$tmp/journal"
	said "$tmp/dpkg.log"
}

refusals()
{
	fails 1 'capacity 3 is not a power of two' -r 3 "$tmp/dpkg.log"
	fails 1 'journal: ' -r 0 "$tmp/dpkg.log"
	fails 1 'max_batch' -r 16 -b 17 "$tmp/dpkg.log"
	fails 1 'CPU 65535' -c 65535 "$tmp/dpkg.log"
	fails 1 'cannot open' "$tmp/absent"
	fails 1 'cannot read' "$tmp"
	fails 1 'cannot write' -o "$tmp/absent/journal" "$tmp/dpkg.log"
	fails 1 'cannot read' -v "$tmp/absent"
	fails 1 'cannot open' - <&-
	TMPDIR=$tmp/absent fails 1 'cannot write' "$tmp/dpkg.log"
	[ -z "$(ls "$TMPDIR")" ]
}

bad_usage()
{
	local wrong

	for wrong in '-r x' '-r -1' '-r 4k' '-r' '-b 4294967296' '-c -1' '-c 65536' '-l 65536' \
		'-l 0 -' '- -' '-v a b' '-v a -l 0' '-r 99999999999999999999' '-x'; do
		# shellcheck disable=SC2086
		fails 2 usage: $wrong
	done
	run -h
	grep '^usage:' "$tmp/report"
	same /dev/null "$tmp/complaints"
}

# Progress is for people.
terminal()
{
	script -q -e -c "'$journal' -S '$tmp/words' >'$tmp/report'" /dev/null >"$tmp/screen"
	grep -a 'lines, ' "$tmp/screen"
	: >"$tmp/complaints"
	said "$tmp/words"
}

# Connections

port()
{
	sed -n 's/^journal: listening on 127\.0\.0\.1:\([0-9]*\)$/\1/p' "$tmp/complaints"
}

has_port()
{
	[ -n "$(port)" ]
}

# start [ARGUMENT...]: in the background, as $pid; it ends with the case at the latest.
start()
{
	: >"$tmp/complaints"
	"$journal" "$@" >"$tmp/report" 2>"$tmp/complaints" &
	pid=$!
	trap 'kill -KILL $pid 2>"$tmp/kill" || true' EXIT
}

gone()
{
	none kill -0 "$pid" 2>"$tmp/kill"
}

# ends STATUS: by itself, and so.
ends()
{
	local rc=0

	await gone
	wait "$pid" || rc=$?
	cat "$tmp/report" "$tmp/complaints"
	[ $rc -eq "$1" ]
}

connection()
{
	start -S -l 0
	await has_port
	cat "$tmp/dpkg.log" >"/dev/tcp/127.0.0.1/$(port)"
	ends 0
	sed -i '/listening/d' "$tmp/complaints"
	said "$tmp/dpkg.log"
}

port_in_use()
{
	start -l 0
	await has_port
	cp "$tmp/complaints" "$tmp/first"
	fails 1 'cannot open' -l "$(sed 's/.*://' "$tmp/first")"
	kill -TERM "$pid"
	ends 0
}

# Interruption

holds_bytes()
{
	[ "$(stat -c %s "$tmp/journal")" -ge "$1" ]
}

# interrupted_by SIGNAL: while more may come. What was read counts, a line that has begun, too.
interrupted_by()
{
	rm -f "$tmp/fifo" "$tmp/journal"
	mkfifo "$tmp/fifo"
	exec 7<>"$tmp/fifo"
	start -o "$tmp/journal" - <&7
	printf 'one\ntwo\nthr' >"$tmp/sent"
	cat "$tmp/sent" >&7
	await test -e "$tmp/journal"
	# Two records are written, so all was read.
	await holds_bytes 56
	kill "-$1" "$pid"
	ends 0
	grep ', interrupted$' "$tmp/report"
	said "$tmp/sent"
	run -v "$tmp/journal"
	said "$tmp/sent"
}

# In the middle of a stream that does not wait: whole lines that are counted up.
interrupted_at_speed()
{
	rm -f "$tmp/journal"
	start -S -o "$tmp/journal" - < <(exec seq 1000000000 2>"$tmp/seq")
	await test -e "$tmp/journal"
	await holds_bytes 100000
	kill -INT "$pid"
	ends 0
	grep ', interrupted$' "$tmp/report"
	[ ! -s "$tmp/complaints" ]
	records "$texts" "$tmp/journal" >"$tmp/texts"
	[ "$(wc -c <"$tmp/texts")" -gt 10000 ]
	# The last line may be a part of one: it was being read.
	head -c "$(wc -c <"$tmp/texts")" < <(exec seq 1000000000 2>"$tmp/seq") |
		cmp - "$tmp/texts"
}

interrupted_without_input()
{
	start -l 0
	await has_port
	kill -INT "$pid"
	ends 0
	grep '^verified: 0 lines, 0 bytes' "$tmp/report"
}

# What cannot be written

full_disk()
{
	fails 1 'No space left on device' -o /dev/full "$tmp/dpkg.log"
	fails 1 'No space left on device' -o /dev/full -r 1 "$tmp/words"
	fails 1 'No space left on device' -o /dev/full /dev/null
	# It ends though the input does not.
	exec 7<>"$tmp/fifo"
	start -o /dev/full - <&7
	echo line >&7
	ends 1
	grep 'No space left on device' "$tmp/complaints"
	[ ! -s "$tmp/report" ]
	fails 1 'No space left on device' -o /dev/full - < <(yes 2>"$tmp/yes")
}

# Like a disk that fills up: some of it is written.
file_too_large()
{
	ulimit -f 100
	fails 1 'File too large' -o "$tmp/journal" "$tmp/words"
	run -v "$tmp/journal" || grep 'is cut off\|is not there' "$tmp/complaints"
}

report_lost()
{
	none "$journal" -S "$tmp/dpkg.log" >/dev/full 2>"$tmp/complaints"
	grep 'No space left on device' "$tmp/complaints"
}

# Damage

make_journal()
{
	{
		head -n 50 "$tmp/dpkg.log"
		filled 1000
	} >"$tmp/some"
	run -S -o "$tmp/sound" "$tmp/some"
	run -v "$tmp/sound"
	said "$tmp/some"
	records '@r == 56 or die scalar @r' "$tmp/sound" | cmp - "$tmp/sound"
}

# damaged CODE TEXT: the records as CODE makes them are not accepted, for the reason TEXT.
damaged()
{
	records "$1" "$tmp/sound" >"$tmp/damaged"
	none cmp "$tmp/sound" "$tmp/damaged"
	fails 1 "$2" -v "$tmp/damaged"
	[ ! -s "$tmp/report" ]
}

flipped()
{
	damaged 'substr($r[20], 30, 1) ^= "\1"' 'byte 1'
	damaged 'substr($r[0], 24, 1) ^= "\x80"' 'byte 0, due to be number 0: its checksum'
}

removed()
{
	damaged 'splice @r, 20, 1' 'due to be number 20: is number 21'
	damaged 'splice @r, 0, 1' 'due to be number 0: is number 1'
	# The last one before the end, and the end.
	damaged 'splice @r, -2, 1' 'due to be number 54: is number 55'
	damaged 'pop @r' 'is not there'
	damaged '@r = ()' 'is not there'
}

duplicated()
{
	damaged 'splice @r, 20, 0, $r[20]' 'due to be number 21: is number 20'
	damaged 'push @r, $r[-1]' 'comes after the end'
	damaged 'push @r, @r' 'comes after the end'
}

swapped()
{
	damaged '@r[20, 21] = @r[21, 20]' 'due to be number 20: is number 21'
	damaged '@r[-1, -2] = @r[-2, -1]' 'due to be number 54: is number 55'
}

cut_off()
{
	damaged 'chop $r[-1]' 'is cut off'
	damaged '$#r = 20; substr($r[20], 10) = ""' 'is cut off'
	damaged 'push @r, "x"' 'comes after the end'
}

# A record that is right in itself, with a text that is another: only the end can tell.
exchanged()
{
	sed '20s/status/sTatus/' "$tmp/some" >"$tmp/other"
	run -S -o "$tmp/forged" "$tmp/other"
	records '$_ eq "" or 1' "$tmp/forged" >"$tmp/copy"
	cmp "$tmp/copy" "$tmp/forged"
	FORGED=$tmp/forged damaged '
		my $at = 0;
		$at += length $r[$_] for 0 .. 18;
		open my $f, "<", $ENV{FORGED} or die;
		seek $f, $at, 0;
		read $f, $r[19], length $r[19]' 'the end does not fit'
}

# Any one bit, anywhere.
each_byte_flipped()
{
	local i size

	printf 'one\n\nthree' | run -S -o "$tmp/sound" -
	size=$(stat -c %s "$tmp/sound")
	[ "$size" -eq 130 ]
	for ((i = 0; i < size; i++)); do
		I=$i perl -0777 -pe 'substr($_, $ENV{I}, 1) ^= chr(1 << $ENV{I} % 8)' \
			"$tmp/sound" >"$tmp/damaged"
		fails 1 'is damaged' -v "$tmp/damaged"
	done
}

# Several producers

sums()
{
	cat >"$tmp/wanted" <<-'END'
		producer 0: 100000 ticks, sum 5000050000
		producer 1: 100000 ticks, sum 5000150000
		producer 2: 100000 ticks, sum 5000250000
		total: 300000 ticks, sum 15000450000
	END
	timeout $limit "$ticks" >"$tmp/found"
	same "$tmp/wanted" "$tmp/found"
}

tap_need 'text to journal' make_log
tap 'a log' survives "$tmp/dpkg.log"
tap 'a dictionary' survives "$tmp/words"
tap 'what it reads by default' by_default
tap 'lines of all lengths' lengths
tap 'lines of 100 kB, in rings of 1, 8 and 4096' long_lines
tap 'no input' no_input
tap 'a last line without an end' without_end
tap 'every byte there is, NUL too' every_byte
tap 'empty lines' empty_lines
tap 'input in small pieces' in_small_pieces
tap 'rings of 1 to 64' small_rings
tap 'one sync a batch' batches
tap 'latencies' latencies
if have taskset; then
	tap 'where the consumer is pinned' pinned
else
	tap_skip 'where the consumer is pinned' 'there is no taskset here'
fi
tap 'the temporary file goes, or stays with -k' temporary_file
tap 'an old journal goes only for a new one' journal_file
tap 'refusals are told, with status 1' refusals
tap 'bad usage is told, with status 2' bad_usage
if have script; then
	tap 'progress on a terminal' terminal
else
	tap_skip 'progress on a terminal' 'there is no script here'
fi
tap 'a TCP connection' connection
tap 'a port in use, and SIGTERM' port_in_use
tap 'SIGINT while input stays open' interrupted_by INT
tap 'SIGTERM while input stays open' interrupted_by TERM
tap 'SIGINT in the middle of a fast stream' interrupted_at_speed
tap 'SIGINT before anybody connects' interrupted_without_input
tap 'a full disk' full_disk
tap 'a disk that fills up' file_too_large
tap 'a report that cannot be written' report_lost
tap_need 'a journal to damage' make_journal
tap 'a flipped bit is found' flipped
tap 'a removed record is found' removed
tap 'a duplicated record is found' duplicated
tap 'swapped records are found' swapped
tap 'a cut journal is found, and one with more behind' cut_off
tap 'an exchanged record is found' exchanged
tap 'each byte, flipped, is found' each_byte_flipped
tap 'ticks adds up' sums
tap_end
