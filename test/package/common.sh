# SPDX-License-Identifier: MIT
# For the scripts beside it, which set source, the root of the project, and then
# read this: cases in TAP, a folder of their own, and what the cases share.

set -u
unset DESTDIR CDPATH

tap_count=0
tap_failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# tap NAME COMMAND [ARGUMENT...]: a case, which passes if the command does. The
# command runs with -e, so that a function fails at its first failing line.
tap()
{
	local name=$1 rc

	shift
	tap_count=$((tap_count + 1))
	(
		set -e -o pipefail
		"$@"
	) >"$tmp/log" 2>&1 </dev/null
	rc=$?
	if [ $rc -eq 0 ]; then
		echo "ok $tap_count - $name"
	else
		tap_failed=1
		echo "not ok $tap_count - $name"
		tail -n 60 "$tmp/log" | sed 's/^/# /'
		echo "# exit status $rc"
	fi
	return $rc
}

# tap_skip NAME REASON
tap_skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# tap_need NAME COMMAND [ARGUMENT...]: a case that the following ones stand on.
tap_need()
{
	if ! tap "$@"; then
		echo "Bail out! $1"
		exit 1
	fi
}

tap_end()
{
	echo "1..$tap_count"
	exit $tap_failed
}

# same WANTED FOUND: two files, which may differ in nothing.
same()
{
	diff -u --label wanted "$1" --label found "$2"
}

# none COMMAND...: it must fail. A plain "!" would not end a function that runs with -e.
none()
{
	if "$@"; then
		return 1
	fi
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# copy_source TO: what belongs to the project, be it a clone or a tarball. Files
# that were not added to the clone yet belong to it, those it ignores do not.
copy_source()
{
	mkdir -p "$1"
	if [ -e "$source/.git" ] && git -C "$source" ls-files >/dev/null 2>&1; then
		git -C "$source" ls-files -z --cached --others --exclude-standard
	else
		# Build folders lie at the top, if anywhere, and one may be in use.
		(cd "$source" && find . -mindepth 2 -maxdepth 2 -name meson-private -printf '%h\n') |
			sed 's|^\./||' >"$tmp/builds"
		(cd "$source" && find . -type f -printf '%P\0') |
			grep -z -v -e '^\.git/' -e '^\.build/' -f <(sed 's|.*|^&/|' "$tmp/builds")
	fi >"$tmp/files"
	tar -c -C "$source" --null --no-recursion --ignore-failed-read -T "$tmp/files" -f - |
		tar -x -C "$1" -f -
	[ -f "$1/meson.build" ]
}

# readme_example TO: the first C block of README.md that is a whole program.
readme_example()
{
	awk '
		/^```c[ \t]*$/ { inside = 1; block = ""; next }
		/^```/ { if (inside && block ~ /int main\(/) { printf "%s", block; exit }
			 inside = 0; next }
		inside { block = block $0 "\n" }
	' "$source/README.md" >"$1"
	[ -s "$1" ]
}

# run_example PROGRAM: it says what the comment at its end promises.
run_example()
{
	readme_example "$tmp/readme.c"
	"$1" >"$tmp/output"
	[ -s "$tmp/output" ]
	cat "$tmp/output"
	grep -F "/* $(cat "$tmp/output") */" "$tmp/readme.c"
}

# exported_functions: what the library exports, one name a line.
exported_functions()
{
	sed -n 's/^[ \t]*\(dsr_[a-z_]*\);.*/\1/p' "$source/lib/disruptor.map" | LC_ALL=C sort
}

# public_functions: the same without what only inline code of the headers calls.
public_functions()
{
	exported_functions | grep -v -x \
		-e 'dsr_builder_create' -e 'dsr_[a-z_]*_sized' \
		-e 'dsr_batch_pace' -e 'dsr_batch_skip' -e 'dsr_batch_more_behind' \
		-e 'dsr_batch_next_lane' -e 'dsr_batch_release_lane' -e 'dsr_park_notify' -e 'dsr_park_wake' \
		-e 'dsr_claim_take' -e 'dsr_claim_slow' -e 'dsr_claim_refuse' \
		-e 'dsr_claim_settle' -e 'dsr_claim_settle_n' -e 'dsr_claim_stamp' -e 'dsr_prefetch_for_write' \
		-e 'dsr_producer_check' -e 'dsr_producer_guard' \
		-e 'dsr_slots_event' -e 'dsr_slots_stamp'
}
