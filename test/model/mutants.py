#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: mutants.py [--update] [--jobs N] [--only WORD] SOURCE BUILD

Weakens the library in one place after the other, and requires the model checker to
find each. The places are all ordered accesses, as ordering.py knows them, and the
list CHECKS below: checks that are left out, or off by one.

mutants.txt beside this file has a row for each: which scenario catches it, or why
none can. A place without a row fails; so does a row without a place. --update
writes the table anew. BUILD is a folder to compile in.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import ordering  # noqa: E402

TABLE = HERE / 'mutants.txt'
LIBRARY = ['batch', 'builder', 'consumer', 'disruptor', 'error', 'gate', 'graph', 'launch',
           'membarrier', 'member', 'park', 'poller', 'processor', 'producer', 'rcu', 'ring',
           'sequence', 'wait']
SCENARIOS = ['endings', 'flow', 'litmus', 'waits', 'world']
CHECKER = ['fibre', 'heap', 'main', 'memory', 'race', 'scenarios', 'search', 'stand_ins', 'system',
           'trace', 'tsan']
OWN_ARGS = {'wait': ['-DMODEL_RELAX_AWAITS'], 'launch': ['-DMODEL_LOCKS_ARE_COARSE']}

WEAKER = {
    'dsr_load_acquire': 'dsr_load_relaxed',
    'dsr_store_release': 'dsr_store_relaxed',
    'dsr_compare_exchange_release': 'dsr_compare_exchange',
    'dsr_full_fence': '(void)',
    'dsr_heavy_fence': 'dsr_full_fence',
}

# file, what is there, what it becomes, what that is
CHECKS = [
    ('lib/gate.c', 'return done + 1 + (int64_t)capacity;',
     'return done + 2 + (int64_t)capacity;', 'the gate is one too wide'),
    ('lib/gate.c', 'if (other < limit) {', 'if (i == 0) {', 'only the first consumer gates'),
    ('include/disruptor/producer.h',
     'if (dsr_unlikely((uint64_t)first + n > (uint64_t)dsr_load_relaxed(&p->limit)))',
     'if (dsr_unlikely((uint64_t)first + n > (uint64_t)dsr_load_relaxed(&p->limit) + 1))',
     'a single claim is one too far'),
    ('include/disruptor/producer.h',
     'first = dsr_fetch_add(p->cursor, n);\n\t\tif (dsr_unlikely((uint64_t)first + n > '
     '(uint64_t)p->limit))',
     'first = dsr_fetch_add(p->cursor, n);\n\t\tif (dsr_unlikely((uint64_t)first + n > '
     '(uint64_t)p->limit + 1))', 'a claim of many is one too far'),
    ('lib/producer.c', 'if (room < least)\n\t\treturn -EAGAIN;',
     'if (room + 1 < least)\n\t\treturn -EAGAIN;', 'no look at the room, single'),
    ('lib/producer.c', 'if (!is_closed(p))\n\t\treturn true;', 'return true;',
     'the second look whether it is closed'),
    ('lib/producer.c', 'bool closed = is_closed(p);', 'bool closed = false;',
     'a waiting claim does not look for the end'),
    ('lib/producer.c', 'dsr_ring_wake(p->ring);', '', 'who slept over a claim taken back'),
    ('lib/consumer.c', 'c->settled = done + 1;', 'c->settled = done + 2;',
     'a barrier that is one too far'),
    ('lib/consumer.c', 'dsr_unlikely(highest == DSR_SEQUENCE_ENDED)', '0',
     'one that has ended is a position'),
    ('lib/wait.c', 'w->ticket = dsr_park_ticket(w->park);',
     'w->ticket = dsr_park_ticket(w->park) + 1;', 'a ticket of a wake to come'),
    ('lib/poller.c', 'if (armed == target.park && dsr_bell_is_armed(bells, &poller->bell))\n'
     '\t\t\treturn look;\n\t\tarmed = target.park;\n'
     '\t\tdsr_bell_arm(bells, &poller->bell, armed);',
     'armed = target.park;\n\t\tdsr_bell_arm(bells, &poller->bell, armed);\n\t\treturn look;',
     'no look after arming'),
    ('lib/graph.c', 'graph->spare = (void *)(intptr_t)dsr_load_relaxed(&graph->ring->gate);\n'
     '\tDSR_PROBE_GATE(graph->ring, gate->count);\n'
     '\t/* [ATTACH->SNAPSHOT] The set is whole before a producer finds it. */\n'
     '\tdsr_store_release(&graph->ring->gate, (intptr_t)gate);\n'
     '\tdsr_rcu_synchronize(graph->ring);',
     'graph->spare = (void *)(intptr_t)dsr_load_relaxed(&graph->ring->gate);\n'
     '\tDSR_PROBE_GATE(graph->ring, gate->count);\n'
     '\tdsr_store_release(&graph->ring->gate, (intptr_t)gate);', 'no grace period'),
    ('lib/ring.c', 'limit == DSR_GATE_OPEN ? dsr_gate_limit_after(sweep(ring), capacity) : limit',
     'limit', 'nobody sweeps when the last has left'),
    ('lib/ring.c', 'dsr_ring_wake(ring);\n}\n\nvoid dsr_ring_close', '}\n\nvoid dsr_ring_close',
     'nobody is woken at the end'),
]


class Mutant:
    def __init__(self, path, name, text, what):
        self.path, self.name, self.text, self.what = path, name, text, what
        self.caught = ''


def ordered(source_root):
    """Every ordered access of what is modelled."""
    paths = [source_root / 'lib' / (name + '.c') for name in LIBRARY]
    paths += sorted((source_root / 'lib').glob('*.h'))
    paths += sorted((source_root / 'include/disruptor').glob('*.h'))
    for path in paths:
        relative = path.relative_to(source_root).as_posix()
        if relative == ordering.ATOMIC:
            continue
        source = ordering.Source(relative, path.read_text(encoding='utf-8'))
        seen = {}
        for offset, access in source.accesses():
            if access not in WEAKER:
                continue
            function = source.function(offset)
            count = seen[function, access] = seen.get((function, access), 0) + 1
            edges = ordering.edges_of(' '.join(source.own_comments(offset)))
            edge = '+'.join(sorted({e for e, _ in edges})) or '-'
            text = source.text[:offset] + WEAKER[access] + source.text[offset + len(access):]
            if access == 'dsr_full_fence':
                text = source.text[:offset] + '(void)0' + source.text[offset + len(access) + 2:]
            yield Mutant(relative, f'{relative} {function} {access}#{count}', text,
                         f'{edge} weakened')


def checks(source_root):
    for path, old, new, what in CHECKS:
        text = (source_root / path).read_text(encoding='utf-8')
        if text.count(old) != 1:
            sys.exit(f'mutants.py: {path} has {text.count(old)} times what "{what}" changes')
        yield Mutant(path, f'{path} check: {what}', text.replace(old, new), what)


class Builder:
    def __init__(self, source, build):
        self.source, self.build = source, build
        self.cc = os.environ.get('CC', 'cc').split()
        is_gcc = b'clang' not in subprocess.run(self.cc + ['--version'], capture_output=True,
                                                check=True).stdout
        urcu = subprocess.run(['pkg-config', '--cflags', 'liburcu'], capture_output=True, text=True,
                              check=True).stdout.split()
        self.base = ['-std=gnu11', '-D_GNU_SOURCE', '-g', '-w', '-DDSR_WITH_PROBES=0',
                     '-DDSR_WITH_NUMA=0', f'-I{HERE}', *urcu]
        self.checked = ['-O1', '-fsanitize=thread', '-U__SANITIZE_THREAD__', '-DDSR_DEBUG=0',
                        '-DDSR_ATOMIC_BUILTINS=1', '-include', str(HERE / 'underlay.h')]
        self.checked += ['-Wno-tsan'] if is_gcc else []
        (build / 'gen/disruptor').mkdir(parents=True, exist_ok=True)
        version = (source / 'include/disruptor/version.h.in').read_text(encoding='utf-8')
        (build / 'gen/disruptor/version.h').write_text(
            re.sub(r'@\w+@', '0', version), encoding='utf-8')

    def compile(self, path, out, tree):
        name = path.stem
        checked = name in LIBRARY + SCENARIOS
        args = self.checked + OWN_ARGS.get(name, []) if checked else ['-O2']
        subprocess.run(self.cc + self.base + args +
                       [f'-I{tree}/include', f'-I{tree}/lib', f'-I{self.build}/gen', '-c',
                        str(path), '-o', str(out)], check=True)

    def objects(self, tree):
        files = [tree / 'lib' / (n + '.c') for n in LIBRARY]
        return files + [HERE / (n + '.c') for n in SCENARIOS + CHECKER]

    def base_build(self):
        for path in self.objects(self.source):
            self.compile(path, self.build / (path.stem + '.o'), self.source)

    def make(self, mutant, number):
        tree = self.build / f'tree{number}'
        shutil.rmtree(tree, ignore_errors=True)
        for part in ('lib', 'include'):
            shutil.copytree(self.source / part, tree / part)
        (tree / mutant.path).write_text(mutant.text, encoding='utf-8')
        objects = {p.stem: self.build / (p.stem + '.o') for p in self.objects(tree)}
        for path in self.objects(tree):
            if path == tree / mutant.path or mutant.path.endswith('.h') and \
                    path.stem in LIBRARY + SCENARIOS:
                objects[path.stem] = tree / (path.stem + '.o')
                self.compile(path, objects[path.stem], tree)
        program = tree / 'model'
        subprocess.run(self.cc + list(map(str, objects.values())) + ['-o', str(program)],
                       check=True)
        return program, tree


def read_table():
    rows = {}
    for line in TABLE.read_text(encoding='utf-8').splitlines() if TABLE.exists() else []:
        if line and not line.startswith('#'):
            name, _, verdict = line.partition(' | ')
            rows[name.strip()] = verdict.split(' | ')[-1].strip()
    return rows


def attempt(builder, mutant, number, row):
    program, tree = builder.make(mutant, number)
    scenarios = [row] if row and not row.startswith('none') else []
    for arguments in [['-q', '-x', s] for s in scenarios] + [['-q', '-x', '-n', '4000', 'all']]:
        done = subprocess.run([str(program), *arguments], capture_output=True, text=True,
                              check=False)
        found = re.search(r'^not ok \d+ - (\S+)', done.stdout, re.M)
        if found or done.returncode not in (0, 1):
            mutant.caught = found.group(1) if found else f'crash in {arguments[-1]}'
            break
        if arguments[-1] != 'all' or row.startswith('none'):
            break
    shutil.rmtree(tree)
    print(f'# {mutant.name}: {mutant.caught or "not caught"}', flush=True)


def main(arguments):
    update = '--update' in arguments
    only = arguments[arguments.index('--only') + 1] if '--only' in arguments else ''
    jobs = int(arguments[arguments.index('--jobs') + 1]) if '--jobs' in arguments else 1
    source, build = (pathlib.Path(a).resolve() for a in arguments[-2:])
    builder = Builder(source, build)
    builder.base_build()
    mutants = [m for m in [*ordered(source), *checks(source)] if only in m.name]
    rows = read_table()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda p: attempt(builder, p[1], p[0],
                                        '' if update else rows.get(p[1].name, '')),
                      enumerate(mutants)))
    bad = 0
    for number, m in enumerate(mutants, 1):
        row = rows.pop(m.name, '')
        good = bool(m.caught) if not row.startswith('none') else not m.caught
        good = good and (bool(row) or update)
        bad += not good
        print(f'{"" if good else "not "}ok {number} - {m.name}: {m.what}: '
              f'{m.caught or row or "NOT CAUGHT"}')
    if not only:
        for name in rows:
            print(f'# {TABLE.name} has a row for what is not there: {name}')
            bad += not update
    print(f'1..{len(mutants)}')
    if update:
        old = read_table()
        TABLE.write_text('# place and change | what it is | the scenario that catches it\n' + ''.join(
            f'{m.name} | {m.what} | {m.caught or old.get(m.name, "none: ?")}\n' for m in mutants),
            encoding='utf-8')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
