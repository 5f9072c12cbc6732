#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_pipeline.sh PIPELINE
# Every line that goes in is journaled in its order, counted as what it is and
# reported once; a signal loses nothing that was read; what cannot be written is
# told, and not reported.

pipeline=$1
. "$(dirname "$0")/../package/common.sh"

export LC_ALL=C
# What a sanitizer finds is no exit status of the program's.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=67
export TSAN_OPTIONS=${TSAN_OPTIONS:+$TSAN_OPTIONS:}exitcode=67
export UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}halt_on_error=1:exitcode=67

# Much longer than anything here takes: it is there to end what hangs.
limit=100

journal=$tmp/journal

# A file that is in the way goes; a device does not.
no_journal()
{
	[ ! -f "$journal" ] || rm "$journal"
}

# run [ARGUMENT...]: into a new journal; the report goes to $tmp/report, the rest to
# $tmp/complaints.
run()
{
	no_journal
	again "$@"
}

# again [ARGUMENT...]: the same with what is in the journal already.
again()
{
	timeout $limit "$pipeline" -i 0 -o "$journal" "$@" >"$tmp/report" 2>"$tmp/complaints"
}

# fails STATUS TEXT [ARGUMENT...]: ends so, and says TEXT.
fails()
{
	local wanted=$1 text=$2 rc=0

	shift 2
	again "$@" || rc=$?
	cat "$tmp/report" "$tmp/complaints"
	[ $rc -eq "$wanted" ]
	grep -F -e "$text" "$tmp/complaints"
}

# lines_of FILE: with the last one, if it has no end.
lines_of()
{
	awk 'END { print NR }' "$1"
}

# summed FILE [WORDS]: the report's first line says what FILE amounts to.
summed()
{
	local lines

	lines=$(lines_of "$1")
	cat "$tmp/report"
	grep -x -F "$lines lines read${2-}, $lines journaled and reported: $(wc -c <"$1") bytes," \
		<(sed -n 's/ [0-9]* syncs$//p' "$tmp/report")
}

# said FILE: nothing was complained about, too.
said()
{
	summed "$1"
	same /dev/null "$tmp/complaints"
}

# printed FILE: with -p, each of its lines once, in order, numbered.
printed()
{
	local lines

	lines=$(lines_of "$1")
	head -n "$lines" "$tmp/report" >"$tmp/printed"
	same <(seq "$lines") <(sed 's/ .*//' "$tmp/printed")
	perl -pe 's/^\d+ (debug|info|warning|error) [^ :\[]*#\d+: // or die' "$tmp/printed" |
		cmp - <(perl -pe '$_ .= "\n" if !/\n\z/' "$1")
	tail -n "+$((lines + 1))" "$tmp/report" >"$tmp/sum"
	mv "$tmp/sum" "$tmp/report"
}

# survives FILE [OPTION...]: from a file and through a pipe.
survives()
{
	local file=$1

	shift
	run "$@" -p "$file"
	cmp "$file" "$journal"
	printed "$file"
	said "$file"
	run "$@" -p - < <(cat "$file")
	cmp "$file" "$journal"
	printed "$file"
	said "$file"
}

# counted NUMBER NAME: of a level or a component; 0: not at all.
counted()
{
	if [ "$1" -eq 0 ]; then
		none grep -x " *[0-9]* $2" "$tmp/report"
	else
		grep -x " *$1 $2" "$tmp/report"
	fi
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

# start [ARGUMENT...]: in the background, as $pid; it ends with the case at the latest.
start()
{
	no_journal
	: >"$tmp/complaints"
	"$pipeline" -o "$journal" "$@" >"$tmp/report" 2>"$tmp/complaints" &
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

# open_fifo: what it reads is written to 7.
open_fifo()
{
	rm -f "$tmp/fifo"
	mkfifo "$tmp/fifo"
	exec 7<>"$tmp/fifo"
}

holds_bytes()
{
	[ -e "$journal" ] && [ "$(stat -c %s "$journal")" -ge "$1" ]
}

# filled LENGTH: so many bytes that are no end of a line.
filled()
{
	head -c "$1" /dev/zero | tr '\0' 'x'
}

# What it finds out

make_log()
{
	# Each number of these is known: components by i % 5, levels by i % 4.
	awk 'BEGIN {
		split("status install configure sshd kernel", component)
		split("all is well,debug: 0x1,Warning: nearly,it failed", text, ",")
		for (i = 0; i < 6000; i++) {
			c = component[i % 5 + 1]
			t = text[i % 4 + 1] " " i
			clock = sprintf("%02d:%02d:%02d", i / 3600, i / 60 % 60, i % 60)
			if (i % 5 < 3)
				print "2024-05-01 " clock " " c " " t
			else if (i % 2)
				print "May  1 " clock " here " c "[" i "]: " t
			else
				print "2024-05-01T" clock ".25+02:00 here " c ": " t
		}
	}' >"$tmp/system.log"
	[ "$(wc -l <"$tmp/system.log")" -eq 6000 ]
}

counts()
{
	local name

	run "$tmp/system.log"
	said "$tmp/system.log"
	for name in debug info warning error; do
		counted 1500 $name
	done
	for name in status install configure sshd kernel; do
		counted 1200 $name
	done
	# And no other.
	[ "$(wc -l <"$tmp/report")" -eq 11 ]
	grep -x 'from 2024-05-01 00:00:00 to May  1 01:39:59' "$tmp/report"
}

# Line by line, in all formats, and what looks like one and is none.
details()
{
	cat >"$tmp/lines" <<-'END'
		2024-05-01 10:00:00 status installed libc6:amd64 2.36-9
		2024-05-01 10:00:01 install error-utils:amd64 <none> 1.0
		May  2 10:00:02 host sshd[801]: Failed password
		May 12 10:00:03 host kernel: WARNING: cpu 1
		2024-05-01T10:00:04.123456+02:00 host cron[77]: debug mode
		2024-05-01T10:00:05Z host sshd: hello
		2024-05-01 10:00:06 status half-configured libc6:amd64 2.36-9
		2024-05-01T10:00:07+02:00 host
		no header here
		2024-05-01 something: else
		: [
	END
	cat >"$tmp/wanted" <<-'END'
		1 info status#1
		2 error install#1
		3 error sshd#1
		4 warning kernel#1
		5 debug cron#1
		6 info sshd#2
		7 info status#2
		8 info #1
		9 info #2
		10 info #3
		11 info #4
	END
	run -p "$tmp/lines"
	sed -n '1,11s/\(#[0-9]*\): .*/\1/p' "$tmp/report" >"$tmp/found"
	same "$tmp/wanted" "$tmp/found"
	printed "$tmp/lines"
	said "$tmp/lines"
	sed 's/ [0-9]* syncs$//' "$tmp/report" | tail -n +2 >"$tmp/found"
	cat >"$tmp/wanted" <<-'END'
		from 2024-05-01 10:00:00 to 2024-05-01T10:00:07+02:00
		       1 debug
		       7 info
		       1 warning
		       2 error
		       4 -
		       2 status
		       1 install
		       2 sshd
		       1 kernel
		       1 cron
	END
	same "$tmp/wanted" "$tmp/found"
}

# More components than it counts apart, and longer names than it keeps: none is lost.
many_components()
{
	local long

	long=$(filled 300)
	{
		for i in $(seq 200); do
			echo "May  1 10:00:00 host part$i: text"
		done
		echo "May  1 10:00:00 host $long: text"
		echo "May  1 10:00:00 host part1: text"
	} >"$tmp/parts"
	run "$tmp/parts"
	said "$tmp/parts"
	counted 2 part1
	counted 1 part63
	counted 0 part64
	counted 138 -
	{
		echo "May  1 10:00:00 host $long: text"
		echo "May  1 10:00:00 host ${long}x: text"
	} >"$tmp/parts"
	run "$tmp/parts"
	said "$tmp/parts"
	counted 2 "$(filled 31)"
}

generated()
{
	local name

	run -p -g 1200
	printed "$journal"
	said "$journal"
	[ "$(lines_of "$journal")" -eq 1200 ]
	for name in debug info warning error; do
		counted 300 $name
	done
	for name in sshd cron kernel; do
		counted 400 $name
	done
}

# Input

no_input()
{
	: >"$tmp/nothing"
	run "$tmp/nothing"
	cmp "$tmp/nothing" "$journal"
	said "$tmp/nothing"
	grep ' bytes, 0 syncs$' "$tmp/report"
	run </dev/null
	said "$tmp/nothing"
}

empty_lines()
{
	printf '\n' >"$tmp/empty"
	survives "$tmp/empty"
	printf '\n\n\na\n\n\n' >"$tmp/empty"
	survives "$tmp/empty"
}

# Around what an event holds, and what the buffer for reading does.
lengths()
{
	local length

	for length in 0 1 453 454 455 456 909 910 911 65535 65536 65537 131072; do
		filled $length
		echo
	done >"$tmp/lengths"
	survives "$tmp/lengths"
}

long_lines()
{
	{
		echo "May  1 10:00:00 host sshd[1]: $(filled 100000)"
		echo short
		seq 20000 | tr '\n' ' '
		echo
	} >"$tmp/long"
	survives "$tmp/long"
	counted 1 sshd
	survives "$tmp/long" -r 1
	survives "$tmp/long" -r 8
}

without_end()
{
	local length

	printf 'first\nlast' >"$tmp/cut"
	survives "$tmp/cut"
	for length in 1 455 456 910 65536 100000; do
		filled $length >"$tmp/cut"
		survives "$tmp/cut"
	done
}

every_byte()
{
	perl -e 'print map { chr } 0 .. 255; print "\0\n\0\0\n", "\0" x 1000, "\n\0"' >"$tmp/bytes"
	survives "$tmp/bytes"
	# A byte that ends the text for some is no end of the line.
	printf 'May  1 10:00:00 host sshd: \0error\n\0May  1 10:00:00 host sshd: text\n' \
		>"$tmp/bytes"
	survives "$tmp/bytes"
}

# Whatever a read brings, lines are put together from it.
in_small_pieces()
{
	local i

	for ((i = 0; i < 100; i++)); do
		printf 'a %s' $i
		printf ' and the rest\n%s' "${i%?}"
	done >"$tmp/pieces"
	while IFS= read -r -n 3 -d '' piece || [ -n "$piece" ]; do
		printf %s "$piece"
	done <"$tmp/pieces" | run -p -
	printed "$tmp/pieces"
	said "$tmp/pieces"
	cmp "$tmp/pieces" "$journal"
}

# Several, standard input among them. What has no end is a line, and the journal what cat writes.
several_files()
{
	printf 'one\ntwo' >"$tmp/first"
	printf 'three\n' >"$tmp/second"
	printf 'four' >"$tmp/third"
	run -p "$tmp/first" - "$tmp/third" <"$tmp/second"
	cat "$tmp/first" "$tmp/second" "$tmp/third" | cmp - "$journal"
	cat "$tmp/report"
	same <(printf '%s info #%s: %s\n' 1 1 one 2 2 two 3 3 three 4 4 four) \
		<(head -n 4 "$tmp/report")
	grep '^4 lines read, 4 journaled' "$tmp/report"
	# Without a name it is standard input.
	run <"$tmp/second"
	cmp "$tmp/second" "$journal"
}

appends()
{
	run "$tmp/system.log"
	again "$tmp/system.log"
	said "$tmp/system.log"
	cat "$tmp/system.log" "$tmp/system.log" | cmp - "$journal"
}

small_rings()
{
	local ring

	head -n 300 "$tmp/system.log" >"$tmp/some"
	for ring in 1 2 4 64; do
		survives "$tmp/some" -r $ring
	done
	survives "$tmp/system.log" -r 4096
}

# One sync a batch, and a batch is half the ring at most.
syncs()
{
	local syncs

	run "$tmp/system.log"
	said "$tmp/system.log"
	syncs=$(sed -n 's/.* \([0-9]*\) syncs$/\1/p' "$tmp/report")
	[ "$syncs" -ge 12 ]
	[ "$syncs" -le 6000 ]
	head -n 100 "$tmp/system.log" >"$tmp/some"
	run -r 2 "$tmp/some"
	grep ' bytes, 100 syncs$' "$tmp/report"
}

# Who comes and goes

# tail_saw FIRST COUNT FILE WORD: the last one showed these of the FILE's events, one a line.
tail_saw()
{
	awk -v first="$1" -v count="$2" -v word="$4" '
		NR > first && NR <= first + count && index($0, word) {
			matched++
			print "tail: " NR " info: " $0
		}
		END { print "tail: ends, " matched + 0 " of " count " events matched" }
	' "$3" >"$tmp/wanted"
	sed "0,/begins at event $1\$/d" "$tmp/complaints" >"$tmp/found"
	same "$tmp/wanted" "$tmp/found"
}

tail_from_the_start()
{
	seq 1000 >"$tmp/numbers"
	run -t 50 -m 7 "$tmp/numbers"
	summed "$tmp/numbers"
	cmp "$tmp/numbers" "$journal"
	head -n 1 "$tmp/complaints" | grep -x 'tail: begins at event 0'
	tail_saw 0 50 "$tmp/numbers" 7
	run -t 1 "$tmp/numbers"
	tail_saw 0 1 "$tmp/numbers" ''
	# In a ring that is full all the time, whether it ends or not.
	run -r 1 -t 50 -m 7 "$tmp/numbers"
	tail_saw 0 50 "$tmp/numbers" 7
	# The end comes first.
	run -t 2000 -m 77 "$tmp/numbers"
	summed "$tmp/numbers"
	tail_saw 0 1000 "$tmp/numbers" 77
	run -t 5 /dev/null
	tail_saw 0 0 /dev/null ''
	# -m alone asks for nothing.
	run -m 7 "$tmp/numbers"
	said "$tmp/numbers"
}

# tails COUNT WORD: so many have told that.
tails()
{
	[ "$(grep -c "^tail: $2" "$tmp/complaints")" -eq "$1" ]
}

# Again and again, while the others go on.
tail_on_demand()
{
	local turn first

	open_fifo
	start -i 0 -t 2 -m b - <&7
	await tails 1 begins
	printf 'a\nb\n' >"$tmp/sent"
	cat "$tmp/sent" >&7
	await tails 1 ends
	tail_saw 0 2 "$tmp/sent" b
	for turn in 2 3 4; do
		kill -USR1 "$pid"
		await tails $turn begins
		printf 'c%s\nb%s\n' $turn $turn | tee -a "$tmp/sent" >&7
		await tails $turn ends
		first=$(sed -n 's/^tail: begins at event //p' "$tmp/complaints" | tail -n 1)
		tail_saw "$first" 2 "$tmp/sent" b
	done
	kill -INT "$pid"
	ends 0
	summed "$tmp/sent" ' until the signal'
	cmp "$tmp/sent" "$journal"
}

# Without -t the signal means nothing, and ends nothing.
tail_unwanted()
{
	open_fifo
	start -i 0 - <&7
	echo one >"$tmp/sent"
	cat "$tmp/sent" >&7
	await holds_bytes 4
	kill -USR1 "$pid"
	kill -INT "$pid"
	ends 0
	same /dev/null "$tmp/complaints"
	summed "$tmp/sent" ' until the signal'
}

# Statistics

tells_of_all()
{
	local name

	for name in journal parse-0 parse-1 parse-2 enrich report; do
		grep -w -q -e "$name" "$tmp/complaints" || return 1
	done
}

statistics()
{
	open_fifo
	start -i 1 - <&7
	cat "$tmp/system.log" >&7
	await tells_of_all
	kill -INT "$pid"
	ends 0
	summed "$tmp/system.log" ' until the signal'
}

# Ends

# interrupted_by SIGNAL: while more may come. What was read counts, a line that has begun, too.
interrupted_by()
{
	open_fifo
	start -i 0 -p - <&7
	printf 'one\ntwo\nthr' >"$tmp/sent"
	cat "$tmp/sent" >&7
	# Two lines are written, so all was read.
	await holds_bytes 8
	kill "-$1" "$pid"
	ends 0
	cmp "$tmp/sent" "$journal"
	printed "$tmp/sent"
	summed "$tmp/sent" ' until the signal'
	same /dev/null "$tmp/complaints"
}

# In the middle of a stream that does not wait: what the pipe has left goes on exactly there.
interrupted_at_speed()
{
	exec 7< <(exec seq 1000000000 2>"$tmp/seq")
	start -i 0 "$@" - <&7
	await holds_bytes 100000
	kill -INT "$pid"
	ends 0
	summed "$journal" ' until the signal'
	{
		cat "$journal"
		head -c 200000 <&7
	} >"$tmp/whole"
	[ "$(wc -c <"$tmp/whole")" -gt 300000 ]
	head -c "$(wc -c <"$tmp/whole")" < <(exec seq 1000000000 2>"$tmp/seq2") |
		cmp - "$tmp/whole"
}

interrupted_while_generating()
{
	start -i 0 -g 1000000000000
	await holds_bytes 100000
	kill -TERM "$pid"
	ends 0
	summed "$journal" ' until the signal'
}

# No more files are opened then.
interrupted_between_files()
{
	open_fifo
	start -i 0 "$tmp/system.log" - "$tmp/system.log" <&7
	await holds_bytes "$(wc -c <"$tmp/system.log")"
	kill -INT "$pid"
	ends 0
	cmp "$tmp/system.log" "$journal"
	summed "$tmp/system.log" ' until the signal'
}

# What cannot be written, or read

full_disk()
{
	journal=/dev/full
	fails 1 'cannot write /dev/full: No space left on device' -p "$tmp/system.log"
	grep ', 0 journaled and reported: 0 bytes, 0 syncs$' "$tmp/report"
	fails 1 'No space left on device' -r 1 "$tmp/system.log"
	fails 1 'No space left on device' -t 10 "$tmp/system.log" "$tmp/system.log"
	fails 1 'No space left on device' -g 1000000000000
	fails 1 'No space left on device' - < <(yes 2>"$tmp/yes")
	# It ends though the input does not.
	open_fifo
	start -i 0 - <&7
	echo line >&7
	ends 1
	grep 'No space left on device' "$tmp/complaints"
	# Without a line there is nothing to write.
	again /dev/null
	said /dev/null
}

# Like a disk that fills up. What is reported is in the journal, and that is how the log begins.
disk_that_fills_up()
{
	local rc=0 bytes

	no_journal
	(
		ulimit -f 100
		exec "$pipeline" -i 0 -o "$journal" -p -r 64 "$tmp/system.log" 2>"$tmp/complaints"
	) | cat >"$tmp/report" || rc=$?
	cat "$tmp/complaints"
	[ $rc -eq 1 ]
	grep 'cannot write .*File too large' "$tmp/complaints"
	[ "$(wc -c <"$journal")" -eq 102400 ]
	head -c 102400 "$tmp/system.log" | cmp - "$journal"
	bytes=$(sed -n 's/.* journaled and reported: \([0-9]*\) bytes,.*/\1/p' "$tmp/report")
	[ "$bytes" -gt 0 ]
	[ "$bytes" -le 102400 ]
	head -c "$bytes" "$tmp/system.log" >"$tmp/reported"
	grep "[0-9] lines read, $(lines_of "$tmp/reported") journaled" "$tmp/report"
	printed "$tmp/reported"
}

report_lost()
{
	local rc=0

	no_journal
	timeout $limit "$pipeline" -i 0 -o "$journal" -p "$tmp/system.log" >/dev/full \
		2>"$tmp/complaints" || rc=$?
	[ $rc -eq 1 ]
	grep 'cannot write the report: No space left on device' "$tmp/complaints"
	# The journal is not the worse for it.
	cmp "$tmp/system.log" "$journal"
	none "$pipeline" -i 0 -o "$journal" /dev/null >&- 2>"$tmp/complaints"
	grep 'cannot write the report: Bad file descriptor' "$tmp/complaints"
	none "$pipeline" -i 0 -o "$journal" <&- >&- 2>&-
	cmp "$tmp/system.log" "$journal"
}

# One that cannot be read does not keep the others from it, but counts.
missing_file()
{
	no_journal
	fails 1 "cannot open $tmp/absent: No such file" "$tmp/absent" "$tmp/system.log"
	summed "$tmp/system.log"
	cmp "$tmp/system.log" "$journal"
	no_journal
	fails 1 "cannot read $tmp: Is a directory" "$tmp/system.log" "$tmp"
	summed "$tmp/system.log"
	no_journal
	fails 1 'cannot read -: Bad file descriptor' - <&-
	summed /dev/null
	cp "$tmp/system.log" "$journal"
	fails 1 "$journal is the journal itself" "$journal"
	cmp "$tmp/system.log" "$journal"
}

refusals()
{
	cp "$tmp/system.log" "$journal"
	fails 1 'capacity 3 is not a power of two' -r 3 "$tmp/system.log"
	[ ! -s "$tmp/report" ]
	fails 1 'pipeline: ' -r 0 "$tmp/system.log"
	cmp "$tmp/system.log" "$journal"
	journal=$tmp fails 1 "cannot write $tmp: Is a directory" "$tmp/system.log"
	[ ! -s "$tmp/report" ]
	journal=$tmp/absent/journal fails 1 "cannot write $tmp/absent/journal: No such file" "$tmp/system.log"
}

bad_usage()
{
	local wrong

	no_journal
	for wrong in '-r x' '-r -1' '-r 4k' '-r' '-g 0' '-g x' '-i -1' '-i 0.5' '-t' '-t x' '-m' \
		'-o' '-g 1 file' '-r 99999999999999999999' '-x'; do
		# shellcheck disable=SC2086
		fails 2 usage: $wrong
	done
	[ ! -e "$journal" ]
	none "$pipeline" "$tmp/system.log" >"$tmp/report" 2>"$tmp/complaints"
	grep '^usage:' "$tmp/complaints"
	"$pipeline" -h >"$tmp/report" 2>"$tmp/complaints"
	grep '^usage:' "$tmp/report"
	same /dev/null "$tmp/complaints"
}

tap_need 'a log to read' make_log
tap 'a log, from a file and through a pipe' survives "$tmp/system.log"
tap 'levels and components are counted' counts
tap 'each line is taken for what it is' details
tap 'more components than are counted apart' many_components
tap 'a log that is made up' generated
tap 'no input' no_input
tap 'empty lines' empty_lines
tap 'lines of all lengths' lengths
tap 'lines of 100 kB, in rings of 1, 8 and 1024' long_lines
tap 'a last line without an end' without_end
tap 'every byte there is, NUL too' every_byte
tap 'input in small pieces' in_small_pieces
tap 'several files' several_files
tap 'the journal is appended to' appends
tap 'rings of 1 to 4096' small_rings
tap 'one sync a batch' syncs
tap '-t sees as many events as it should' tail_from_the_start
tap '-t comes again with SIGUSR1' tail_on_demand
tap 'SIGUSR1 without -t' tail_unwanted
tap 'statistics tell of everybody' statistics
tap 'SIGINT while input stays open' interrupted_by INT
tap 'SIGTERM while input stays open' interrupted_by TERM
tap 'SIGINT in the middle of a fast stream' interrupted_at_speed
tap 'SIGINT in the middle of a fast stream, a small ring' interrupted_at_speed -r 4
tap 'SIGTERM while a log is made up' interrupted_while_generating
tap 'SIGINT between two files' interrupted_between_files
tap 'a full disk' full_disk
tap 'a disk that fills up' disk_that_fills_up
tap 'a report that cannot be written' report_lost
tap 'a file that cannot be read' missing_file
tap 'refusals are told, with status 1' refusals
tap 'bad usage is told, with status 2' bad_usage
tap_end
