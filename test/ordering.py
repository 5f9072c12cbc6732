#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: ordering.py [--self-test] [SOURCE]

Checks that the library's memory ordering can be read where it happens.

 confined  atomics are spelt in include/disruptor/atomic.h and nowhere else
 ordered   each acquire, release and fence names its edge in a comment
 relaxed   each relaxed access, and each read-modify-write, says why that will do
 paired    an edge that is let go, [A->B], is taken somewhere, [B<-A], and back
 listed    code and the table in lib/README.md know the same edges

A comment belongs to the statement that it stands right before, with no empty
line between, in, or behind on the same line. An acquire load has to have an
edge that it takes, and a release store one that it lets go, in a comment of its
own. A fence may share the comment of what it follows, at most six lines up
without an empty line. A relaxed access may share one that came at most twelve
lines before, in the same block or one around it. Only tags that belong to an
access count as the edge's ends: those in prose are checked for the name only.

Output is TAP. --self-test shows instead that each rule can fail.
"""
import pathlib
import re
import sys

ATOMIC = 'include/disruptor/atomic.h'
TABLE = 'lib/README.md'

FENCES = {'dsr_full_fence', 'dsr_light_fence', 'dsr_heavy_fence'}
ORDERED = {'dsr_load_acquire', 'dsr_store_release', 'dsr_compare_exchange_release'}
RELAXED = {'dsr_load_relaxed', 'dsr_store_relaxed', 'dsr_fetch_add', 'dsr_exchange',
           'dsr_compare_exchange'}
ACCESSES = FENCES | ORDERED | RELAXED

FENCE_REACH = 6
RELAXED_REACH = 12

# What only atomic.h may say, however it is spelt.
FORBIDDEN = [
    r'__atomic_\w+', r'__sync_\w+', r'__builtin_ia32_\w+', r'__c11_atomic_\w+',
    r'_Atomic\b', r'stdatomic\.h', r'\batomic_\w+', r'\bmemory_order\w*',
    r'\buatomic_\w+', r'\bCMM_\w+', r'\bcmm_\w+', r'\bcaa_\w+', r'\brcu_\w+', r'\burcu/\w+',
    r'\b_mm_\w+', r'\bvolatile\b', r'\b__volatile(?:__)?\b', r'\basm\b', r'\b__asm(?:__)?\b',
]

# Hints to the cache, and ways to wait, order nothing: file, and what is struck out before the
# look; None: it has nothing else, and is not looked at for this rule.
ALLOWED_CODE = [
    ('lib/monitor.c', None),
    ('include/disruptor/producer.h',
     '__asm__ __volatile__("prefetchw %0" : : "m"(*(char *)line));'),
]

# Accesses that need no comment: file, function, access, and why. None so far.
ALLOWED_ACCESSES = []

TAG = re.compile(r'\[([A-Z_]+)(->|<-)([A-Z_]+)\]')
ROW = re.compile(r'^\|\s*`([A-Z_]+)->([A-Z_]+)`\s*\|', re.MULTILINE)
LEXEME = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.MULTILINE)
CALL = re.compile(r'\b(' + '|'.join(sorted(ACCESSES)) + r')\s*\(')


def blank(text):
    return re.sub(r'[^\n]', ' ', text)


def edges_of(text):
    """The tags in it: (edge as it is let go, which end it is)."""
    return [(a + '->' + b, way) if way == '->' else (b + '->' + a, way)
            for a, way, b in TAG.findall(text)]


class Source:
    """A file, cut into statements and the comments that belong to them."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.comments = []              # (from, to)
        self.code = LEXEME.sub(self.strip, text)
        self.body = DIRECTIVE.sub(lambda m: blank(m.group()), self.code)
        self.statements = []            # (from, to, block), block: where each brace around opened
        self.error = self.split()

    def strip(self, match):
        if match.group().startswith('/'):
            self.comments.append(match.span())
        return blank(match.group())

    def split(self):
        begin, parens, blocks = 0, 0, []
        for at, char in enumerate(self.body):
            if char in '()':
                parens += 1 if char == '(' else -1
            elif char in ';{}' and parens == 0:
                # An initialiser's braces are part of its statement as far as we care.
                self.statements.append((begin, at, tuple(blocks)))
                begin = at + 1
                if char == '{':
                    blocks.append(at)
                elif char == '}' and not blocks:
                    return 'a brace too many'
                elif char == '}':
                    blocks.pop()
        return 'braces or parentheses do not match' if parens or blocks else None

    def line(self, offset):
        return self.text.count('\n', 0, offset) + 1

    def statement(self, offset):
        return next(s for s in self.statements if s[0] <= offset <= s[1])

    def block(self, offset):
        """The open braces around it."""
        blocks = []
        for at in re.finditer(r'[{}]', self.body[:offset]):
            if at.group() == '{':
                blocks.append(at.start())
            elif blocks:
                blocks.pop()
        return blocks

    def function(self, offset):
        outer = self.block(offset)
        if not outer:
            return None
        begin = self.statement(outer[0])[0]
        names = re.findall(r'(\w+)\s*\(', self.body[begin:outer[0]])
        return next((name for name in names if name != '__attribute__'), None)

    def own_comments(self, offset):
        """Those of the statement at @offset."""
        begin, end, _ = self.statement(offset)
        first = begin + re.search(r'\S', self.body[begin:]).start()
        own = []
        for start, stop in self.comments:
            same_line_as_last = begin > 0 and self.line(start) == self.line(begin - 1)
            behind = start > end and self.line(start) == self.line(end)
            inside = begin <= start <= end and not same_line_as_last
            before = inside and stop <= first
            if before and re.search(r'\n[ \t]*\n', self.code[start:first].replace(
                    self.code[start:stop], 'x' * (stop - start), 1)):
                continue
            if inside or behind:
                own.append(self.text[start:stop])
        return own

    def shared_comments(self, offset, reach, across_gaps):
        """Those before, in blocks that are still open, nearest first."""
        around = self.block(offset)
        for start, stop in reversed(self.comments):
            if stop > offset or not self.block(start):
                continue
            inside = self.block(start)
            if self.line(offset) - self.line(stop) > reach:
                return
            if not across_gaps and '\n\n' in re.sub(r'[ \t]', '', self.text[stop:offset]):
                return
            if inside == around[:len(inside)]:
                yield self.text[start:stop]

    def accesses(self):
        for match in CALL.finditer(self.body):
            if self.block(match.start()) and self.function(match.start()) not in ACCESSES:
                yield match.start(), match.group(1)


class Checker:
    def __init__(self, files, allowed_accesses=()):
        self.files = files
        self.allowed = list(allowed_accesses)
        self.used = set()
        self.errors = {rule: [] for rule in ('confined', 'ordered', 'relaxed', 'paired', 'listed')}
        self.ends = {}                  # edge -> {'->': where, '<-': where}
        self.prose = []                 # (where, edge)

    def complain(self, rule, where, what):
        self.errors[rule].append(f'{where}: {what}')

    def run(self):
        for path, text in sorted(self.files.items()):
            if path.endswith(('.c', '.h')) and path != ATOMIC:
                self.check_file(Source(path, text))
        for entry in self.allowed:
            if entry not in self.used:
                self.complain('relaxed', 'ordering.py', f'nothing needs the exception {entry[:3]}')
        self.check_pairs()
        self.check_table(self.files.get(TABLE, ''))
        return self.errors

    def check_file(self, source):
        self.check_confined(source)
        if source.error:
            self.complain('ordered', source.path, source.error)
            return
        for match in CALL.finditer(source.code):
            if not source.body[match.start():match.end()].strip():
                where = f'{source.path}:{source.line(match.start())}'
                self.complain('ordered', where, f'{match.group(1)}() in a macro, not a function')
        for start, stop in source.comments:
            where = f'{source.path}:{source.line(start)}'
            self.prose += [(where, edge) for edge, _ in edges_of(source.text[start:stop])]
        for offset, name in source.accesses():
            self.check_access(source, offset, name)

    def check_confined(self, source):
        text = source.text
        for start, stop in source.comments:
            text = text[:start] + blank(text[start:stop]) + text[stop:]
        for path, code in ALLOWED_CODE:
            if path == source.path:
                text = text.replace(code, blank(code), 1) if code else ''
        for match in re.finditer('|'.join(FORBIDDEN), text):
            self.complain('confined', f'{source.path}:{source.line(match.start())}', match.group())

    def note(self, where, edges):
        for edge, way in edges:
            self.ends.setdefault(edge, {}).setdefault(way, where)

    def check_access(self, source, offset, name):
        where = f'{source.path}:{source.line(offset)}'
        own = ' '.join(source.own_comments(offset))
        edges = edges_of(own)
        self.note(where, edges)
        if name in ORDERED:
            way = '<-' if name == 'dsr_load_acquire' else '->'
            if way not in [w for _, w in edges]:
                side = '[B<-A]' if way == '<-' else '[A->B]'
                self.complain('ordered', where, f'{name}() without an edge {side} of its own')
        elif name in FENCES:
            near = source.shared_comments(offset, FENCE_REACH, False)
            if not edges and not any(edges_of(comment) for comment in near):
                self.complain('ordered', where, f'{name}() without an edge')
        elif not edges and 'elaxed' not in own and not self.is_covered(source, offset, name):
            self.complain('relaxed', where, f'{name}() does not say why relaxed is enough')

    def is_covered(self, source, offset, name):
        for comment in source.shared_comments(offset, RELAXED_REACH, True):
            if edges_of(comment) or 'elaxed' in comment:
                return True
        for entry in self.allowed:
            if entry[:3] == (source.path, source.function(offset), name):
                self.used.add(entry)
                return True
        return False

    def check_pairs(self):
        for edge, ends in sorted(self.ends.items()):
            a, b = edge.split('->')
            if '<-' not in ends:
                self.complain('paired', ends['->'], f'[{edge}] is taken nowhere: no [{b}<-{a}]')
            if '->' not in ends:
                self.complain('paired', ends['<-'], f'[{b}<-{a}] waits for no [{edge}]')
        if not self.ends:
            self.complain('paired', 'lib', 'no edge at all')

    def check_table(self, table):
        listed = ['->'.join(pair) for pair in ROW.findall(table)]
        for edge in sorted(set(listed)):
            if listed.count(edge) > 1:
                self.complain('listed', TABLE, f'`{edge}` has two rows')
            if edge not in self.ends:
                self.complain('listed', TABLE, f'no access has the edge `{edge}`')
        for edge, ends in sorted(self.ends.items()):
            if edge not in listed:
                self.complain('listed', next(iter(ends.values())), f'`{edge}` is not in {TABLE}')
        for where, edge in self.prose:
            if edge not in listed and edge not in self.ends:
                self.complain('listed', where, f'there is no edge `{edge}`')


GOOD = '''
/* About [LET->TAKE], in prose. */
static void let(int64_t *word)
{
	/* [LET->TAKE] all before */
	dsr_store_release(word, 1);
}

static int64_t take(int64_t *word)
{
	int64_t i;

	for (i = 0; i < 2; i++)
		/* Relaxed: a guess. */
		if (dsr_load_relaxed(word))
			break;
	dsr_store_relaxed(word, 2); /* relaxed: mine */
	/* [TAKE<-LET] all after */
	i = dsr_load_acquire(
		word);
	dsr_full_fence();
	return i;
}
'''
GOOD_TABLE = '| edge | from |\n|---|---|\n| `LET->TAKE` | a |\n'


def changed(old, new):
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def function(body):
    return GOOD + 'static void more(int64_t *word)\n{\n' + body + '}\n'


# name, C file, table, rules that have to complain
SELF_TESTS = [
    ('nothing wrong', GOOD, GOOD_TABLE, []),
    ('a builtin', function('\t__atomic_thread_fence(5);\n'), GOOD_TABLE, ['confined']),
    ('an old builtin', function('\t__sync_synchronize();\n'), GOOD_TABLE, ['confined']),
    ('an access of liburcu', function('\tuatomic_inc(word);\n'), GOOD_TABLE, ['confined']),
    ('a shared load of liburcu', function('\tCMM_LOAD_SHARED(*word);\n'), GOOD_TABLE,
     ['confined']),
    ('a shared store of liburcu', function('\tCMM_STORE_SHARED(*word, 1);\n'), GOOD_TABLE,
     ['confined']),
    ('a fence of liburcu', function('\tcmm_smp_mb();\n'), GOOD_TABLE, ['confined']),
    ('a compiler fence', function('\tcmm_barrier();\n'), GOOD_TABLE, ['confined']),
    ('a hint of liburcu', function('\tcaa_cpu_relax();\n'), GOOD_TABLE, ['confined']),
    ('stdatomic.h', '#include <stdatomic.h>\n' + GOOD, GOOD_TABLE, ['confined']),
    ('an atomic type', function('\t_Atomic long own;\n'), GOOD_TABLE, ['confined']),
    ('assembly', function('\t__asm__ __volatile__("" : : : "memory");\n'), GOOD_TABLE,
     ['confined']),
    ('a volatile access', function('\t*(volatile int64_t *)word = 1;\n'), GOOD_TABLE,
     ['confined']),
    ('an atomic in a macro', '#define SET(w) \\\n\t__atomic_clear(w, 0)\n' + GOOD, GOOD_TABLE,
     ['confined']),
    ('one in a comment is none', function('\t/* not __atomic_clear() */\n'), GOOD_TABLE, []),
    ('a release without comment', changed('\t/* [LET->TAKE] all before */\n', ''), GOOD_TABLE,
     ['ordered', 'paired']),
    ('a release that takes', changed('[LET->TAKE] all before', '[TAKE<-LET]'), GOOD_TABLE,
     ['ordered', 'paired']),
    ('an acquire that lets go', changed('[TAKE<-LET] all after', '[LET->TAKE]'), GOOD_TABLE,
     ['ordered', 'paired']),
    ('an acquire without comment', function('\treturn dsr_load_acquire(word);\n'), GOOD_TABLE,
     ['ordered']),
    ('a comment that is apart', changed('all before */\n', 'all before */\n\n'), GOOD_TABLE,
     ['ordered', 'paired']),
    ('the comment of the statement before',
     function('\t*word = 1; /* [TAKE<-LET] */\n\treturn dsr_load_acquire(word);\n'), GOOD_TABLE,
     ['ordered']),
    ('a fence without comment', function('\tdsr_heavy_fence();\n'), GOOD_TABLE, ['ordered']),
    ('a light fence without comment', function('\tdsr_light_fence();\n'), GOOD_TABLE,
     ['ordered']),
    ('a fence apart from the comment', changed('\tdsr_full_fence', '\n\tdsr_full_fence'),
     GOOD_TABLE, ['ordered']),
    ('an ordered access in a macro',
     '#define LET(w) dsr_store_release(w, 1) /* [LET->TAKE] */\n' + GOOD, GOOD_TABLE,
     ['ordered']),
    ('a brace too many', GOOD + '}\n', GOOD_TABLE, ['ordered', 'paired', 'listed']),
    ('a primitive may use another',
     GOOD + 'void dsr_heavy_fence(void)\n{\n\tdsr_full_fence();\n}\n', GOOD_TABLE, []),
    ('a declaration is no call', GOOD + 'void dsr_heavy_fence(void);\n', GOOD_TABLE, []),
    ('a relaxed load without comment', function('\treturn dsr_load_relaxed(word);\n'), GOOD_TABLE,
     ['relaxed']),
    ('a relaxed store without comment', function('\tdsr_store_relaxed(word, 1);\n'), GOOD_TABLE,
     ['relaxed']),
    ('a sum without comment', function('\tdsr_fetch_add(word, 1);\n'), GOOD_TABLE, ['relaxed']),
    ('an exchange without comment', function('\tdsr_exchange(word, 1);\n'), GOOD_TABLE,
     ['relaxed']),
    ('a compare-and-swap without comment', function('\tdsr_compare_exchange(word, 1, 2);\n'),
     GOOD_TABLE, ['relaxed']),
    ('the reason of a block that is over',
     function('\tif (word) {\n\t\t/* relaxed */\n\t\t*word = 1;\n\t}\n'
              '\tdsr_fetch_add(word, 1);\n'), GOOD_TABLE, ['relaxed']),
    ('a reason too far up',
     function('\t/* relaxed */\n' + '\t*word += 1;\n' * 12 + '\tdsr_fetch_add(word, 1);\n'),
     GOOD_TABLE, ['relaxed']),
    ('a reason in the block around',
     function('\t/* relaxed */\n\t*word = 1;\n\n\tif (word) {\n'
              '\t\tdsr_fetch_add(word, 1);\n\t}\n'), GOOD_TABLE, []),
    ('an edge that nobody takes', changed('[TAKE<-LET] all after', '[TAKE<-OTHER]'),
     GOOD_TABLE + '| `OTHER->TAKE` | a |\n', ['paired']),
    ('an end in prose is no end',
     GOOD + '/* [ONE->TWO] */\nstatic int one;\n'
     + 'static void two(int64_t *word)\n{\n\tdsr_load_acquire(word); /* [TWO<-ONE] */\n}\n',
     GOOD_TABLE + '| `ONE->TWO` | a |\n', ['paired']),
    ('no row for an edge', GOOD, '', ['listed']),
    ('a row for no edge', GOOD, GOOD_TABLE + '| `GONE->AWAY` | a |\n', ['listed']),
    ('two rows for an edge', GOOD, GOOD_TABLE + '| `LET->TAKE` | b |\n', ['listed']),
    ('prose with a name that is none', GOOD + '/* see [LET->TAKES] */\n', GOOD_TABLE, ['listed']),
]


def report(points):
    """points: (name, lines that tell what is wrong)"""
    for number, (name, lines) in enumerate(points, 1):
        print(f'{"not ok" if lines else "ok"} {number} - {name}')
        for line in lines:
            print(f'# {line}')
    print(f'1..{len(points)}')
    return 1 if any(lines for _, lines in points) else 0


def self_test():
    points = []
    for name, code, table, rules in SELF_TESTS:
        errors = Checker({'lib/some.c': code, TABLE: table}).run()
        found = [rule for rule in errors if errors[rule]]
        wrong = [] if found == rules else [f'wanted {rules}, found {found}']
        wrong += [line for rule in errors if wrong for line in errors[rule]]
        points.append((name, wrong))
    exception = ('lib/some.c', 'more', 'dsr_exchange', 'why')
    code = function('\tdsr_exchange(word, 1);\n')
    for name, code, wanted in (('an exception', code, 0), ('an exception of no use', GOOD, 1)):
        errors = Checker({'lib/some.c': code, TABLE: GOOD_TABLE}, [exception]).run()
        wrong = [] if len(errors['relaxed']) == wanted else ['wanted otherwise']
        points.append((name, wrong))
    return report(points)


def main(arguments):
    if '--self-test' in arguments:
        return self_test()
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent.parent)
    paths = [p for pattern in ('include/disruptor/*.h', 'lib/*.[ch]') for p in root.glob(pattern)]
    if not paths or not (root / ATOMIC).is_file():
        print(f'Bail out! no library in {root}')
        return 1
    files = {p.relative_to(root).as_posix(): p.read_text(encoding='utf-8') for p in paths}
    files[TABLE] = (root / TABLE).read_text(encoding='utf-8')
    return report(list(Checker(files, ALLOWED_ACCESSES).run().items()))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
