#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the cases of a meson test log: tally.py TESTLOG.json

Prints "PASSED FAILED SKIPPED" and then a line for each case that failed or was
skipped. A program that speaks TAP counts by its cases, any other as one.
"""
import json
import re
import sys

CASE = re.compile(r'^(not )?ok\b[ \d]*(?:- )?(.*?)(?:#\s*(SKIP|TODO)\b\s*(.*))?$', re.I | re.M)


def cases(test):
    """(verdict, name, why) for each case of one program."""
    result = test['result']
    found = []
    out = test.get('stdout') or ''
    for line in CASE.finditer(out):
        failed, name, directive, why = line.groups()
        if directive and directive.upper() == 'SKIP':
            found.append(('skipped', name.strip(), why or 'no reason given'))
        else:
            found.append(('failed' if failed else 'passed', name.strip(), ''))
    good = result in ('OK', 'EXPECTEDFAIL')
    if result == 'SKIP' and not any(v == 'passed' for v, _, _ in found):
        text = (out + (test.get('stderr') or '')).strip().splitlines()
        whys = [w for v, _, w in found if v == 'skipped']
        return [('skipped', '', whys[0] if whys else text[-1] if text else 'no reason given')]
    if not found:
        return [('passed' if good else 'failed', '', result)]
    if not good and result != 'SKIP' and not any(v == 'failed' for v, _, _ in found):
        found.append(('failed', '', result))
    return found


def main():
    count = {'passed': 0, 'failed': 0, 'skipped': 0}
    notes = []
    with open(sys.argv[1], encoding='utf-8') as log:
        for line in log:
            test = json.loads(line)
            for verdict, name, why in cases(test):
                count[verdict] += 1
                if verdict != 'passed':
                    label = test['name'] + (' / ' + name if name else '')
                    notes.append(f'{verdict}: {label}: {why}'.rstrip(': '))
    print(count['passed'], count['failed'], count['skipped'])
    for note in notes:
        print(note)


main()
