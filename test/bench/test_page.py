#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: test_page.py PAGE MACHINES [KEEP]

The pages that the tool writes, from figures that are made up, in headless Chromium:
all cells are there, nothing is wider than a telephone or than a desk's screen, nothing
is asked of the network, what is text stays text, and there is something to be seen.
PAGE is the program that writes them. With KEEP the pictures stay in that folder. TAP.
"""
import collections
import html.parser
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

WIDTHS = (390, 1280)
METRICS = ('one_way_ns', 'p99_ns', 'ns_per_event')
# The figures are made up so that slots on the producer's node make 1.6 of it, give or take 8 %
# by chance, and huge pages a twentieth less.
ADVICE = (r"<li>Other node, distance \d\d: keep slots on the consumer&#39;s node, \d: 3[5-9] % lower "
          r"p99 one way than on the producer&#39;s node, 0 \(3\d to 4\d %\)\.</li>",
          r"<li>Same L3, another core: no difference in time of an event in a stream that 9 rounds "
          r"can tell, transparent huge pages against small pages: ratio 0.9\d \(0.9\d to 1.0\d\)")
VOID = {'meta', 'link', 'br', 'hr', 'img', 'input'}

# Which of the page's elements reach beyond its width, but for what is in a box that scrolls.
PROBE = '''<!DOCTYPE html><html><body style="margin:0"><iframe id="page" style="border:0;
width:%dpx;height:800px"></iframe><pre id="found"></pre><script>
const frame = document.getElementById("page");
frame.onload = () => {
	const page = frame.contentDocument, root = page.documentElement;
	const wide = [...page.body.querySelectorAll("*")].filter(one =>
		!one.parentElement.closest(".scroll") && one.getBoundingClientRect().right > root.clientWidth + 0.5);
	document.getElementById("found").textContent = JSON.stringify({
		width: root.clientWidth, scroll: root.scrollWidth,
		wide: wide.map(one => one.tagName + "." + one.className.toString()),
		boxes: page.querySelectorAll(".scroll").length, scripts: page.scripts.length,
		text: page.body.innerText.length});
};
frame.srcdoc = %s;
</script></body></html>'''


class Page(html.parser.HTMLParser):
    """What is in it, and whether each element that begins also ends."""

    def __init__(self, text):
        super().__init__()
        self.open, self.faults, self.urls = [], [], []
        self.cells = collections.defaultdict(list)
        self.tags = collections.Counter()
        self.viewport = self.table = None
        self.feed(text)
        self.faults += [f'{tag} does not end' for tag in self.open]

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if tag == 'meta' and attrs.get('name') == 'viewport':
            self.viewport = attrs['content']
        if 'data-metric' in attrs:
            self.table = attrs['data-metric']
        if 'data-cell' in attrs:
            self.cells[self.table].append(attrs['data-cell'])
        self.urls += [attrs[a] for a in ('src', 'href', 'srcset', 'action', 'data', 'xlink:href')
                      if a in attrs]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f'/{tag} at {self.getpos()}')


def picture(path):
    """Width, height and rows of pixels of an 8-bit PNG, undone by hand."""
    data = path.read_bytes()
    assert data[:8] == b'\x89PNG\r\n\x1a\n', path
    at, packed = 8, b''
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b'IHDR':
            width, height, depth, colour, _, _, laced = struct.unpack('>IIBBBBB', body)
            assert depth == 8 and colour in (2, 6) and not laced, (depth, colour, laced)
        elif kind == b'IDAT':
            packed += body
        at += length + 12
    size = 3 if colour == 2 else 4
    raw, stride, rows = zlib.decompress(packed), width * size, []
    before = bytearray(stride)
    for y in range(height):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        unfilter(kind, row, before, size)
        rows.append([bytes(row[x:x + 3]) for x in range(0, stride, size)])
        before = row
    return width, height, rows


def unfilter(kind, row, above, size):
    for x in range(len(row)) if kind else ():
        left = row[x - size] if x >= size else 0
        corner = above[x - size] if x >= size else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above[x]
        elif kind == 3:
            guess = (left + above[x]) // 2
        else:
            near = left + above[x] - corner
            guess = min((abs(near - left), 0, left), (abs(near - above[x]), 1, above[x]),
                        (abs(near - corner), 2, corner))[2]
        row[x] = (row[x] + guess) & 255


class Chromium:
    def __init__(self, program, folder):
        self.folder = folder
        self.command = [program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
                        '--no-first-run', '--disable-background-networking',
                        '--disable-component-update', '--disable-sync', '--hide-scrollbars']

    def run(self, *arguments):
        profile = tempfile.mkdtemp(dir=self.folder)
        done = subprocess.run([*self.command, f'--user-data-dir={profile}', *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
        assert done.returncode == 0, done.stderr.decode()[-400:]
        return done.stdout.decode()

    def probe(self, text, width):
        page = self.folder / 'probe.html'
        page.write_text(PROBE % (width, json.dumps(text).replace('</', '<\\/')))
        dom = self.run('--window-size=1400,900', '--virtual-time-budget=4000', '--dump-dom',
                       page.as_uri())
        found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.S)
        assert found and found[1], dom[-300:]
        return json.loads(found[1].replace('&quot;', '"').replace('&amp;', '&'))

    def shoot(self, page, width, dark, path):
        self.run(f'--window-size={width},900', f'--screenshot={path}',
                 f'--blink-settings=preferredColorScheme={0 if dark else 1}', page.as_uri())
        return picture(path)


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, check, *arguments):
        self.count += 1
        try:
            check(*arguments)
            print(f'ok {self.count} - {name}')
        except (AssertionError, subprocess.SubprocessError, KeyError, ValueError) as why:
            self.failed += 1
            print(f'not ok {self.count} - {name}')
            print(''.join(f'# {line}\n' for line in f'{type(why).__name__}: {why}'.splitlines()))
        sys.stdout.flush()


def check_text(text, cells):
    page = Page(text)
    assert not page.faults, page.faults
    assert page.viewport and 'width=device-width' in page.viewport, page.viewport
    assert page.tags['script'] == 0 and page.tags['svg'] > 0, page.tags
    assert all(url.startswith(('#', 'data:')) for url in page.urls), page.urls
    styles = ''.join(re.findall(r'<style>.*?</style>|style="[^"]*"', text, re.S))
    assert 'url(' not in styles and '@import' not in styles, styles
    assert '&lt;script src=&quot;http' in text and 'prefers-color-scheme' in text
    assert 'nan' not in re.sub(r'[a-z]*nan[a-z]+|[a-z]+nan', '', text), 'a number that is none'
    assert not re.search(r'\binf\b', text), 'a number without end'
    for metric in METRICS if cells else ():
        assert page.cells[metric] and sorted(page.cells[metric]) == sorted(cells), metric


def check_advice(text):
    for sentence in ADVICE:
        assert re.search(sentence, text), sentence


def check_width(chromium, text, width):
    found = chromium.probe(text, width)
    assert found['width'] == width, found
    assert found['scroll'] <= width and not found['wide'], found
    assert found['boxes'] and found['scripts'] == 0 and found['text'] > 500, found


def check_picture(chromium, page, width, dark, path):
    seen, height, rows = chromium.shoot(page, width, dark, path)
    assert seen == width and height >= 800, (seen, height)
    colours = collections.Counter(pixel for row in rows for pixel in row)
    (most, share), = colours.most_common(1)
    assert len(colours) > 40 and share < 0.97 * width * height, (len(colours), share)
    assert (sum(most) < 200) == dark, most


def main(program, machines, keep=None):
    browser = shutil.which('chromium')
    if not browser:
        print('1..0 # SKIP chromium is missing: apt-get install chromium')
        sys.exit(77)
    tap = Tap()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folder = pathlib.Path(folder)
        chromium = Chromium(browser, folder)
        pictures = pathlib.Path(keep) if keep else folder
        for name, arguments in (('placement on eight nodes', ['placement', f'{machines}/epyc-nps4']),
                                ('placement on one node', ['placement', f'{machines}/vm']),
                                ('comparison', ['comparison'])):
            text = subprocess.run([program, *arguments], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout
            cells = subprocess.run([program, 'cells', *arguments[1:]], text=True,
                                   stdout=subprocess.PIPE).stdout.split()
            page = pictures / f'{name.replace(" ", "-")}.html'
            page.write_text(text)
            tap.case(f'{name}: what is in it', check_text, text, cells)
            for width in WIDTHS:
                tap.case(f'{name}: {width} wide', check_width, chromium, text, width)
                for dark in (False, True):
                    shade = 'dark' if dark else 'light'
                    tap.case(f'{name}: {width} wide, {shade}', check_picture, chromium, page, width,
                             dark, pictures / f'{page.stem}-{width}-{shade}.png')
        tap.case('advice', check_advice, (pictures / 'placement-on-eight-nodes.html').read_text())
    print(f'1..{tap.count}')
    sys.exit(tap.failed > 0)


if __name__ == '__main__':
    main(*sys.argv[1:])
