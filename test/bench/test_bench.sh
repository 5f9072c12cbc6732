#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test_bench.sh DISRUPTOR-BENCH
# The benchmark tool as people and scripts use it: what its commands say, write and
# answer. Which figures they find is no test's matter. TAP.

tool=$(realpath "$1")
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/test/package/common.sh"
cd "$tmp" || exit 1

commands=$("$tool" help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
read -r -a cpus <<<"$(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)))')"

# status WANTED COMMAND...: that exit status.
status()
{
	local wanted=$1 found=0

	shift
	"$@" || found=$?
	[ "$found" -eq "$wanted" ] || { echo "exit status $found"; return 1; }
}

# refuses WANTED TEXT ARGUMENT...: that exit status; a sentence with the text on standard
# error, and nothing on standard output. What is not refused would measure for long.
refuses()
{
	local wanted=$1 text=$2

	shift 2
	status "$wanted" timeout 20 "$tool" "$@" >out 2>err
	cat err
	grep -qF -- "$text" err
	[ ! -s out ]
}

help_is_for_newcomers()
{
	"$tool" >alone
	"$tool" help >help
	same alone help
	"$tool" -h >help
	same alone help
	"$tool" --help >help
	same alone help
	grep -q "^usage: disruptor-bench COMMAND" alone
	# Each command has a question and an example.
	for command in $commands; do
		grep -q "^  $command  .*[?.]" alone
		grep -q "^  *disruptor-bench $command" alone
	done
}

# Its own, the same by all ways to ask, and only with options that it takes.
help_of()
{
	"$tool" "$1" -h >help
	"$tool" "$1" --help >other
	same help other
	"$tool" help "$1" >other
	same help other
	grep -q "^usage: disruptor-bench $1 " help
	grep -q "^  disruptor-bench $1" help
	# What it names, it takes: with a value, or without.
	sed -n 's/^  .*--\([a-z]*\) [A-Z][A-Z]* .*/\1/p' help >options
	grep -q . options
	while read -r option; do
		status 2 timeout 20 "$tool" "$1" "--$option" 2>err
		grep -qF -- "'--$option' requires an argument" err
	done <options
	sed -n 's/^  .*--\([a-z]*\)   .*/\1/p' help >options
	grep -qx help options
	while read -r option; do
		timeout 20 "$tool" "$1" "--$option" -h >other
		same help other
	done <options
	for option in json csv html contender rounds cpus quick list; do
		grep -q -- "--$option " help || refuses 2 "'--$option'" "$1" "--$option"
	done
}

# measured COMMAND [ARGUMENT...]: it runs, with figures for people and for programs.
measured()
{
	rm -f result.*
	"$tool" "$@" --quick --rounds 2 --json result.json --csv result.csv
	python3 - "$1" <<-'END'
	import csv, json, sys

	result = json.load(open('result.json'))
	rows = list(csv.reader(open('result.csv')))
	names = ['command', 'scenario', 'contender', 'metric', 'regime', 'round', 'value']
	assert rows[0] == names, rows[0]
	assert len(rows) == len(result['results']) + 1 > 1
	for row, record in zip(rows[1:], result['results']):
	    assert list(record) == names
	    assert [str(record[name]) for name in names[:6]] == row[:6], row
	    assert abs(float(row[6]) - record['value']) <= 1e-6 * abs(record['value']), row
	    assert record['command'] == sys.argv[1]
	    assert record['regime'] in ('near', 'far', 'unclear') and record['round'] in (0, 1)
	    assert record['value'] >= 0, record
	environment = result['environment']
	for name in ('version', 'compiler', 'buildtype', 'flags', 'cpu', 'kernel', 'governor',
	             'frequency_driver', 'boost', 'smt', 'isolated', 'nohz_full', 'hypervisor',
	             'transparent_huge_pages', 'page_bytes', 'distances', 'probe_ns', 'regime',
	             'stolen_percent', 'others_percent', 'warnings'):
	    assert name in environment, name
	assert len(environment['distances']) == len(environment['node_ids'])
	assert all('; ' in warning for warning in environment['warnings'])
	END
}

# What is printed for people says the same warnings as the file.
warnings_are_printed()
{
	"$tool" latency --quick --rounds 1 --contender floor --json result.json >out
	sed -n 's/^warning: //p' out >printed
	python3 -c 'import json
for w in json.load(open("result.json"))["environment"]["warnings"]: print(w)' >written
	same written printed
}

# A build that is not for measuring says so, and one that is, does not.
build_is_told()
{
	"$tool" topology --json result.json >out
	python3 - <<-'END'
	import json

	it = json.load(open('result.json'))['environment']
	told = [w for w in it['warnings'] if w.startswith('the library was built')]
	release = it['buildtype'] == 'release' or 'ndebug=true' in it['flags']
	sanitized = 'sanitize=none' not in it['flags']
	assert len(told) == (not release) + sanitized, (it['buildtype'], it['flags'], told)
	END
}

# Standard output is the file's alone.
json_is_piped()
{
	"$tool" latency --quick --rounds 1 --contender floor --json - 2>err |
		python3 -c 'import json, sys; assert json.load(sys.stdin)["results"]'
	grep -q "^latency-8: " err
	"$tool" start --quick --rounds 1 --csv - 2>err >out
	[ "$(sed -n 1p out)" = command,scenario,contender,metric,regime,round,value ]
	none grep -vq '^command,\|^start,' out
}

# A name with a comma in it is one field.
csv_is_quoted()
{
	"$tool" scenario single-8 --quick --rounds 1 --contender handler --csv result.csv
	[ "$(sed 1d result.csv | cut -d '"' -f 2 | sort -u)" = "disruptor, event handler" ]
}

# contender_is NAME ARGUMENT...: only that.
contenders_are()
{
	local wanted=$1

	shift
	"$tool" "$@" --quick --rounds 1 --csv result.csv
	[ "$(sed 1d result.csv | cut -d , -f 3 | sort -u)" = "$wanted" ]
}

scenarios_are()
{
	local wanted=$1

	shift
	"$tool" "$@" --quick --rounds 1 --contender floor --csv result.csv
	[ "$(sed 1d result.csv | cut -d , -f 2 | uniq | xargs)" = "$wanted" ]
}

list_measures_nothing()
{
	for command in latency throughput scenario compare waits; do
		"$tool" "$command" --list >out
		grep -q . out
		none grep -q "^warning\|^threads" out
	done
	"$tool" scenario --list >out
	grep -q "^scenario   diamond-32 " out
	"$tool" latency --list >out
	grep -q "^scenario   latency-8 " out
	"$tool" throughput --list >out
	grep -q "^scenario   single-8 " out
	none grep -q "^scenario   latency" out
	"$tool" compare --list >out
	grep -q "^contender  floor$" out
	"$tool" waits --list >out
	grep -q "^strategy   park$" out
}

unknown_is_told_what_there_is()
{
	refuses 2 'no scenario "nothing"' scenario nothing
	grep -q "^  single-8$" err
	refuses 2 'no scenario "nothing*"' scenario single-8 'nothing*'
	refuses 2 'no contender "nobody"' latency --contender nobody
	grep -q "^  floor$" err
	refuses 2 'no wait strategy "nothing"' waits --contender nothing
	grep -q "^  park$" err
	refuses 2 'no command "nothing"' nothing
	grep -q "^  compare$" err
}

bad_numbers_are_refused()
{
	for rounds in 0 -1 1001 x 3x 1.5 "" 99999999999999999999; do
		for command in latency start waits; do
			refuses 2 "--rounds: \"$rounds\" is not" "$command" --rounds "$rounds"
		done
	done
	for slots in 0 3 x 4294967296; do
		refuses 2 "--slots: \"$slots\" is no power of two" start --slots "$slots"
	done
}

bad_cpus_are_refused()
{
	for list in x "" "," "${cpus[0]}," ",${cpus[0]}" 0-x -1 2-1 0x 1025 99999999999999999999; do
		refuses 2 "--cpus: \"$list\" is no list" latency --cpus "$list"
	done
	refuses 2 "may not run on CPU 1023" latency --cpus "${cpus[0]},1023"
	refuses 2 "CPU ${cpus[0]} is there twice" latency --cpus "${cpus[0]},${cpus[0]}"
	refuses 2 "no fewer than 2" latency --cpus "${cpus[0]}"
	if [ "${#cpus[@]}" -gt 1 ]; then
		refuses 2 "no more than 1" start --cpus "${cpus[0]},${cpus[1]}"
	fi
}

bad_words_are_refused()
{
	refuses 2 "which?" scenario
	refuses 2 "Try: disruptor-bench latency -h" latency --no-such-option
	refuses 2 "one word too many" latency single-8
	refuses 2 "requires an argument" latency --json
	refuses 2 "only one file can be standard output" latency --json - --csv -
	refuses 2 "nowhere/result.json" latency --json nowhere/result.json
}

# What the machine has not is something else than what nobody has understood.
refused_by_the_machine()
{
	refuses 3 "none of these contenders can do any of these scenarios here" \
		scenario diamond-32 --contender floor
}

# A full disk is no success.
full_disk()
{
	status 1 "$tool" start --quick --rounds 1 --json /dev/full 2>err
	grep -qF "/dev/full" err
	status 1 "$tool" topology --json /dev/full 2>err
	grep -qF "/dev/full" err
}

threads_are_where_they_were_sent()
{
	"$tool" latency --quick --rounds 1 --contender floor --cpus "${cpus[1]},${cpus[0]}" \
		--json result.json >out
	grep -q "^threads: on CPUs ${cpus[1]}, ${cpus[0]} " out
	python3 -c 'import json, sys
assert json.load(open("result.json"))["environment"]["measured_cpus"] == [*map(int, sys.argv[1:])]
' "${cpus[1]}" "${cpus[0]}"
	"$tool" latency --quick --rounds 1 --contender floor \
		--cpus "${cpus[0]}-$((cpus[0] + 1))" || [ "${cpus[1]}" -ne $((cpus[0] + 1)) ]
}

# It still runs where there is one CPU, and says what that is worth.
one_cpu_is_told()
{
	taskset -c "${cpus[0]}" "$tool" latency --quick --rounds 1 --contender disruptor >out
	grep -q "^warning: up to 2 threads share 1 CPU, " out
	grep -q "^threads: all on one CPU; " out
	if [ "${#cpus[@]}" -gt 1 ]; then
		"$tool" latency --quick --rounds 1 --contender disruptor >out
		none grep -q "threads share" out
	fi
	"$tool" scenario many3-8 --quick --rounds 1 --contender disruptor \
		--cpus "${cpus[0]},${cpus[1]}" >out
	grep -q "^warning: up to 4 threads share 2 CPUs, " out
}

# A line on the terminal, which is away in the end; none where there is none.
progress_comes_and_goes()
{
	"$tool" scenario 'latency-*' --quick --rounds 2 --contender floor >out 2>err
	[ ! -s err ]
	script -qec "$tool scenario 'latency-*' --quick --rounds 2 --contender floor >out" typescript >/dev/null
	python3 - <<-'END'
	text = open('typescript', newline='').read()
	lines = text[text.index('\n') + 1:text.rindex('\nScript done')].split('\r\x1b[K')
	shown = [line for line in lines if '%' in line]
	assert shown[0].startswith('  0 % latency-8, round 1 of 2: floor'), shown
	assert len(shown) == 4 and shown[3].startswith(' 75 %'), shown
	assert '%' not in lines[-1], lines
	END
}

# Of known figures: medians, spreads, ratios round by round, and which rounds count.
tables_are_drawn()
{
	python3 - <<-'END'
	import csv
	import json
	runs = [("disruptor", "near", [10, 30, 20]), ("floor", "near", [5, 45, 20]),
	        ("pipe", "near", [40]), ("pipe", "far", [90, 80, 100])]
	results = [dict(command="compare", scenario="single-8", contender=c, regime=regime,
	                metric="ns_per_event", round=i, value=v)
	           for c, regime, values in runs for i, v in enumerate(values)]
	environment = dict(cpu="a CPU", cpus=2, kernel="6", hypervisor=None, compiler="cc",
	                   buildtype="release", version="1")
	with open("known.csv", "w") as file:
	    writer = csv.DictWriter(file, list(results[0]))
	    writer.writeheader()
	    writer.writerows(results)
	with open("known.json", "w") as file:
	    json.dump(dict(environment=environment), file)
	END
	"$source/bench/table.py" known.csv known.json >table
	cat table
	grep -qxF '| disruptor | 20.0 ±10.0 |' table
	grep -qxF '| floor | 20.0 ±15.0 (1.00) |' table
	grep -qxF '| pipe | 90.0 ±10.0 *far* |' table
	grep -qxF 'a CPU, 2 CPUs, Linux 6; cc, release; disruptor 1; 3 rounds.' table
}

readme_has_the_tables_of_its_results()
{
	cp "$source/bench/README.md" readme
	"$source/bench/table.py" "$source"/bench/results/epyc-2-cpus.{compare.csv,start.json} readme
	diff "$source/bench/README.md" readme
	status 1 "$source/bench/table.py" known.csv known.json known.json
	grep -q '^{' known.json
}

tap 'help' help_is_for_newcomers
tap 'tables of known figures' tables_are_drawn
tap "README's tables" readme_has_the_tables_of_its_results
for command in $commands; do
	tap "help of $command" help_of "$command"
done
tap 'latency' measured latency
tap 'throughput' measured throughput --contender disruptor
tap 'scenario' measured scenario single-8 'many1*'
tap 'compare' measured compare --contender floor
tap 'waits' measured waits --contender pa
tap 'start' measured start
tap 'latency has its scenarios' scenarios_are \
	'latency-8 latency-56 paced-8 paced-56 paced10-8 paced10-56' latency
tap 'scenarios by name' scenarios_are 'single-8 batch10-8' scenario batch10-8 single-8
tap 'scenarios by pattern' scenarios_are 'single-8 single-32 single-56' \
	scenario 'single-?' 'single-[35]?' 'single-56'
tap 'contenders by a part of their name' contenders_are 'mutex and condition' latency -c mut
tap 'warnings' warnings_are_printed
tap 'build' build_is_told
tap 'JSON and CSV to a pipe' json_is_piped
tap 'CSV with commas' csv_is_quoted
tap 'lists' list_measures_nothing
tap 'unknown names' unknown_is_told_what_there_is
tap 'bad numbers' bad_numbers_are_refused
tap 'bad CPUs' bad_cpus_are_refused
tap 'bad words' bad_words_are_refused
tap 'refused by the machine' refused_by_the_machine
tap 'full disk' full_disk
if [ "${#cpus[@]}" -gt 1 ]; then
	tap 'CPUs in their order' threads_are_where_they_were_sent
	tap 'CPUs that are too few' one_cpu_is_told
else
	tap_skip 'CPUs' 'not here: one CPU'
fi
if have script; then
	tap 'progress' progress_comes_and_goes
else
	tap_skip 'progress' 'no script command'
fi
tap_end
