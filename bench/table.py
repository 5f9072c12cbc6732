#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: table.py RESULTS.csv OTHER.json [README.md]

Draws tables from what `disruptor-bench compare --csv RESULTS.csv` left, and tells of the
machine what any JSON of the same sitting does: rows are
contenders, columns scenarios, cells the median, its spread (the median distance from it)
and the median ratio to disruptor's figure of the same round. On standard output, or, given a
file, between its lines "<!-- results -->" and "<!-- end of results -->".

Figures are of rounds in which the CPUs were near; where these were fewer than three and
three or more were far, they are of those, and say so.
"""
import csv
import json
import statistics
import sys

BASE = 'disruptor'
FEWEST = 3

TABLES = [
    ('Latency, ns', ['latency-8', 'latency-56', 'paced-8', 'paced-56', 'paced10-56']),
    ('One producer, ns an event', ['single-8', 'single-32', 'single-56', 'batch10-8',
                                   'batch10-32', 'batch10-56', 'batch64-8', 'batch64-32',
                                   'batch64-56']),
    ('Built for many producers, and graphs, ns an event', [
        'many1-8', 'many1-56', 'many2-8', 'many2-56', 'many3-8', 'multicast-8',
        'pipeline-32', 'diamond-32']),
]
# One figure of each run; the others are percentiles.
METRICS = ('one_way_ns', 'ns_per_event')


def number(value):
    if value >= 10000:
        return f'{value / 1000:.0f}k'
    return f'{value:.0f}' if value >= 100 else f'{value:.1f}'


def read(results):
    """figures[scenario][contender][regime][round]"""
    figures = {}
    for r in results:
        if r['metric'] in METRICS:
            contenders = figures.setdefault(r['scenario'], {})
            regimes = contenders.setdefault(r['contender'], {})
            regimes.setdefault(r['regime'], {})[int(r['round'])] = float(r['value'])
    return figures


def cell(contenders, name):
    regimes = contenders.get(name, {})
    regime = 'near'
    if len(regimes.get('near', {})) < FEWEST <= len(regimes.get('far', {})):
        regime = 'far'
    rounds = regimes.get(regime, {})
    if not rounds:
        return ''
    median = statistics.median(rounds.values())
    spread = statistics.median(abs(v - median) for v in rounds.values())
    base = contenders.get(BASE, {}).get(regime, {})
    ratios = [v / base[i] for i, v in rounds.items() if i in base]
    text = f'{number(median)} ±{number(spread)}'
    if name != BASE and ratios:
        text += f' ({statistics.median(ratios):.2f})'
    return text + (' *far*' if regime == 'far' else '')


def draw(title, names, figures, contenders):
    names = [n for n in names if n in figures]
    rows = [[title] + names, ['---'] * (len(names) + 1)]
    for contender in contenders:
        cells = [cell(figures[n], contender) for n in names]
        if any(cells):
            rows.append([contender] + cells)
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in rows)


def tables(results, e):
    figures = read(results)
    contenders = []
    for r in results:
        if r['contender'] not in contenders:
            contenders.append(r['contender'])
    rounds = 1 + max(int(r['round']) for r in results)
    head = (f"{e['cpu']}, {e['cpus']} CPUs, Linux {e['kernel']}"
            + (', a virtual machine' if e['hypervisor'] else '')
            + f"; {e['compiler']}, {e['buildtype']}; disruptor {e['version']}; {rounds} rounds.")
    return '\n\n'.join([head] + [draw(t, n, figures, contenders) for t, n in TABLES])


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit(__doc__)
    with open(arguments[0], newline='') as file, open(arguments[1]) as other:
        text = tables(list(csv.DictReader(file)), json.load(other)['environment'])
    if len(arguments) == 2:
        print(text)
        return
    begin, end = '<!-- results -->\n', '<!-- end of results -->\n'
    with open(arguments[2]) as file:
        whole = file.read()
    before, _, rest = whole.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f'{arguments[2]}: no lines {begin.strip()} and {end.strip()}')
    with open(arguments[2], 'w') as file:
        file.write(before + begin + '\n' + text + '\n\n' + end + after)


main(sys.argv[1:])
