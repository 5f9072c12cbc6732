#!/bin/bash
# SPDX-License-Identifier: MIT
# The kernel that the guest boots: Debian's for clouds, which has all that it needs built in.
# Fetched once, into .build/test/guest; the machine's own package lists are not touched.

set -e
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$source/.build/test/guest
apt=$folder/apt
. "$source/test/setup.sh"
options="-q -o Dir::Etc::sourcelist=$apt/sources.list -o Dir::Etc::sourceparts=/dev/null
	-o Dir::State::lists=$apt/lists -o Dir::Cache=$apt/cache
	-o APT::Architecture=amd64 -o APT::Sandbox::User=root"

[ ! -f "$folder/vmlinuz" ] || exit 0
for tool in apt-get apt-cache dpkg; do
	command -v $tool >/dev/null || { echo "$tool is missing"; exit 1; }
done

mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
debian_mirror deb >"$apt/sources.list"
cd "$apt"
apt-get $options update
# The package of that name is empty, and depends on the newest.
kernel=$(apt-cache $options depends linux-image-cloud-amd64 |
	sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p' | head -n 1)
[ -n "$kernel" ]
apt-get $options download "$kernel"
dpkg -x "$kernel"_*.deb "$apt/unpacked"
mv "$apt/unpacked"/boot/vmlinuz-* "$folder/vmlinuz"
rm -rf "$apt"
