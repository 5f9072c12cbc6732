#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest's first process: runs /command, whose output is all that is on the second serial
# line, and ends the machine with its exit status. guest.sh reads both.

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t debugfs debug /sys/kernel/debug
mkdir -p /dev/shm /tmp /run
mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd
for link in stdin:0 stdout:1 stderr:2; do
	ln -s "/proc/self/fd/${link#*:}" "/dev/${link%:*}"
done
# A guest with little memory begins without.
echo always >/sys/kernel/mm/transparent_hugepage/enabled
ulimit -c 0
hostname guest

stty -F /dev/ttyS1 raw
exec 3>/dev/ttyS1
sh /command </dev/null >&3 2>&1 3>&-
rc=$?
echo "@@RC=$rc" >&3
# Waits until all of it has been written.
stty -F /dev/ttyS1 raw
/build/test/numa/leave $rc
reboot -f
