#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: unpack.py FOLDER MACHINE.txt...

Unpacks canned machines: what the kernel shows of each below /sys and /proc, in
FOLDER/MACHINE/sys and FOLDER/MACHINE/proc, for dsr_topology_read(). Files that
say the same are one file with many links, so change none in place. At last
writes FOLDER.stamp.

A line of a description is one of
  present LIST, possible LIST, online LIST, isolated LIST, nohz_full LIST
  node N cpus=LIST total=KB free=KB distance=N,N... 2048=TOTAL/FREE...
  package GROUPS                numbered from 0
  core GROUPS
  cache LEVEL TYPE SIZE GROUPS
  status NAME TEXT              a line of /proc/self/status
  file PATH TEXT                as Python writes it: \\n, \\x00
  folder PATH
  without PATH                  away with it
  # and what is to be said about the machine

LIST is the kernel's "0-3,8", and "0-6:2" for 0,2,4,6. GROUPS are lists apart by
blanks: "0-3/2" stands for 0-1 and 2-3, "0-3/2+8-11/2" for 0-1,8-9 and 2-3,10-11.
Without `present` there are the CPUs of `core`, and all of them are online. What
is offline has neither caches nor siblings, as on x86.
"""
import os
import pathlib
import shutil
import sys

NODE = 'sys/devices/system/node'
CPU = 'sys/devices/system/cpu'


def numbers(text):
    found = []
    for part in text.split(','):
        run, _, step = part.partition(':')
        first, _, last = run.partition('-')
        found += range(int(first), int(last or first) + 1, int(step or 1))
    return found


def ranges(cpus):
    """The kernel's list of them."""
    runs = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ','.join(f'{a}-{b}' if a < b else f'{a}' for a, b in runs)


def groups(text):
    found = []
    for group in text.split():
        parts = []
        for part in group.split('+'):
            members, _, size = part.partition('/')
            members = numbers(members)
            size = int(size or len(members))
            parts.append([members[at:at + size] for at in range(0, len(members), size)])
        found += [sum(together, []) for together in zip(*parts, strict=True)]
    return found


class Machine:
    def __init__(self, description):
        self.lists = {}
        self.nodes = {}
        self.groups = {'package': [], 'core': []}
        self.caches = []
        self.status = []
        self.changes = []
        for line in description.splitlines():
            word, _, rest = line.partition(' ')
            if word and word != '#':
                self.read(word, rest)

    def read(self, word, rest):
        if word in self.groups:
            self.groups[word] = groups(rest)
        elif word == 'node':
            number, *fields = rest.split()
            self.nodes[int(number)] = dict(field.split('=') for field in fields)
        elif word == 'cache':
            level, kind, size, members = rest.split(maxsplit=3)
            self.caches += [(level, kind, size, group) for group in groups(members)]
        elif word == 'status':
            self.status.append(rest.split(' ', 1))
        elif word in ('file', 'folder', 'without'):
            self.changes.append((word, *rest.split(' ', 1)))
        elif word in ('present', 'possible', 'online', 'isolated', 'nohz_full'):
            self.lists[word] = numbers(rest)
        else:
            raise ValueError(f'{word}?')

    def unpack(self, folder):
        self.folder = folder
        self.files = {}
        present = self.lists.get('present', sorted(sum(self.groups['core'], [])))
        self.online = set(self.lists.get('online', present))
        if present:
            self.write_cpus(present)
        if self.nodes:
            self.write_nodes()
        if self.status:
            self.write_status()
        for change in self.changes:
            self.change(*change)

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if text in self.files:
            os.link(self.files[text], path)
        else:
            path.write_bytes(text.encode('latin-1'))
            self.files[text] = path

    def write_cpus(self, present):
        lists = {'possible': present, 'present': present, 'online': self.online, 'isolated': []}
        for name, members in (lists | self.lists).items():
            self.write(f'{CPU}/{name}', ranges(members) + '\n')
        for cpu in present:
            self.write(f'{CPU}/cpu{cpu}/uevent', 'DRIVER=processor\n')
            if cpu:
                self.write(f'{CPU}/cpu{cpu}/online', f'{int(cpu in self.online)}\n')
        for number, members in enumerate(self.groups['package']):
            for cpu in self.online.intersection(members):
                self.write(f'{CPU}/cpu{cpu}/topology/physical_package_id', f'{number}\n')
        for members in self.groups['core']:
            members = self.online.intersection(members)
            for cpu in members:
                for name in ('core_cpus_list', 'thread_siblings_list'):
                    self.write(f'{CPU}/cpu{cpu}/topology/{name}', ranges(members) + '\n')
        self.write_caches()

    def write_caches(self):
        count = dict.fromkeys(self.online, 0)
        for level, kind, size, members in self.caches:
            members = self.online.intersection(members)
            for cpu in members:
                index = f'{CPU}/cpu{cpu}/cache/index{count[cpu]}'
                count[cpu] += 1
                self.write(f'{index}/level', f'{level}\n')
                self.write(f'{index}/type', f'{kind}\n')
                self.write(f'{index}/size', f'{size}\n')
                self.write(f'{index}/shared_cpu_list', ranges(members) + '\n')

    def write_nodes(self):
        with_cpu = [n for n in self.nodes if 'cpus' in self.nodes[n]]
        with_memory = [n for n in self.nodes if self.nodes[n]['total'] != '0']
        for name, members in (('online', self.nodes), ('possible', self.nodes),
                              ('has_cpu', with_cpu), ('has_memory', with_memory)):
            self.write(f'{NODE}/{name}', ranges(members) + '\n')
        for number, fields in self.nodes.items():
            self.write_node(number, **fields)

    def write_node(self, number, total, free, distance, cpus=None, **pools):
        node = f'{NODE}/node{number}'
        cpus = numbers(cpus) if cpus else []
        self.write(f'{node}/cpulist', ranges(self.online.intersection(cpus)) + '\n')
        self.write(f'{node}/distance', distance.replace(',', ' ') + '\n')
        self.write(f'{node}/meminfo', ''.join(
            f'Node {number} {name + ":":15}{kb:>9} kB\n' for name, kb in (
                ('MemTotal', total), ('MemFree', free), ('MemUsed', int(total) - int(free)),
                ('SwapCached', 0), ('Active', 0))))
        for size, pages in pools.items():
            pages = pages.split('/')
            for name, count in zip(('nr_hugepages', 'free_hugepages'), pages, strict=True):
                self.write(f'{node}/hugepages/hugepages-{size}kB/{name}', f'{count}\n')
        for cpu in cpus:
            os.symlink(f'../../node/node{number}', self.folder / f'{CPU}/cpu{cpu}/node{number}')

    def write_status(self):
        lines = [('Name', 'program'), ('Umask', '0022'), ('State', 'R (running)'),
                 ('Threads', '1'), *self.status, ('voluntary_ctxt_switches', '7')]
        self.write('proc/self/status', ''.join(f'{name}:\t{text}\n' for name, text in lines))

    def change(self, word, path, text=''):
        if word == 'file':
            self.write(path, text.encode('latin-1').decode('unicode_escape'))
            return
        path = self.folder / path
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        if word == 'folder':
            path.mkdir(parents=True)


def main(folder, descriptions):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    for path in map(pathlib.Path, descriptions):
        (folder / path.stem).mkdir(parents=True)
        Machine(path.read_text(encoding='ascii')).unpack(folder / path.stem)
    folder.with_suffix('.stamp').touch()


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
