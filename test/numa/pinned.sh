#!/bin/sh
# SPDX-License-Identifier: MIT
# Who starts is pinned to CPU 2, in a cpuset of 2 and 3: the plan finds 3. Runs in the guest.

group=/tmp/cgroup/pinned
mkdir -p /tmp/cgroup
mount -t cgroup2 none /tmp/cgroup || exit 1
echo +cpuset >/tmp/cgroup/cgroup.subtree_control
mkdir $group
echo 2-3 >$group/cpuset.cpus
echo $$ >$group/cgroup.procs || exit 1
taskset 4 /build/test/fakes/here >/tmp/out
cat /tmp/out
grep -q '^thread here: .* on CPU 3, node 3, pinned' /tmp/out
