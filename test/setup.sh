# SPDX-License-Identifier: MIT
# For test/run and bench/run, which set source, the root of the project, and then
# read this: what the machine needs to have, and what was built before.

say()
{
	printf '%s\n' "$*"
}

# is_build FOLDER: one that can go on, of this source and not of one it was copied from.
is_build()
{
	[ -f "$1/build.ninja" ] &&
		grep -qsF "\"$source/meson.build\"" "$1/meson-info/intro-buildsystem_files.json"
}

# as_root COMMAND...: fails if nobody lets us.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		return 1
	fi
}

# missing PACKAGE...: those that are not installed.
missing()
{
	local package

	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q '^install ok installed$' || printf '%s ' "$package"
	done
}

# debian_mirror TYPE: the line of a sources.list, deb or deb-src, for where this machine
# has its packages from.
debian_mirror()
{
	local release

	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | sed -n "s/^\(.*\) $release main\$/$1 \1 $release main/p" |
		head -n 1 | grep .
}

apt_install()
{
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "$@"
}

# need PACKAGE...: installs what is missing. The network is touched only then.
need()
{
	local absent log

	if ! command -v dpkg-query >/dev/null 2>&1; then
		say "Not a Debian: going on with what is here. Debian's names of what is needed: $*"
		return 0
	fi
	absent=$(missing "$@")
	[ -n "$absent" ] || return 0
	say "Installing: $absent"
	log=$(mktemp)
	# The lists of a fresh machine may be old, or not there.
	if ! apt_install $absent >"$log" 2>&1; then
		as_root apt-get -q update >>"$log" 2>&1
		apt_install $absent >>"$log" 2>&1
	fi
	absent=$(missing "$@")
	if [ -n "$absent" ]; then
		tail -n 5 "$log"
		rm -f "$log"
		say "These packages are missing and could not be installed. As root, with a network:"
		say "    apt-get update && apt-get install ${absent% }"
		return 1
	fi
	rm -f "$log"
}
