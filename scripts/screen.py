"""A terminal of so many columns and rows in which a command runs, and its screen as SVG. The terminal is tmux, as in
e2e/tests/terminal.rs: what is drawn is what the program wrote, cell by cell."""

import re
import subprocess
import tempfile
from html import escape
from pathlib import Path

CELL_W, CELL_H, PAD, SIZE = 8, 17, 12, 13
PAPER, INK = "#11161d", "#d5dce6"
BASIC = [
    "#1c232d", "#e5534b", "#57ab5a", "#c69026", "#539bf5", "#b083f0", "#39c5cf", "#adbac7",
    "#768390", "#ff938a", "#8ddb8c", "#f2cc60", "#96d0ff", "#dcbdfb", "#76e3ea", "#ffffff",
]
STEPS = [0, 95, 135, 175, 215, 255]


class Terminal:
    """Runs a command until the end of the block."""

    def __init__(self, columns, rows, command):
        self.columns, self.rows = columns, rows
        self.home = tempfile.TemporaryDirectory()
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), f"{command}; sleep 600")

    def tmux(self, *arguments):
        socket = str(Path(self.home.name) / "socket")
        command = ["tmux", "-f", "/dev/null", "-S", socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def svg(self, title):
        rows = [cells(row) for row in self.tmux("capture-pane", "-p", "-e", "-N").split("\n")[: self.rows]]
        return drawn(rows, self.columns, title)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")
        self.home.cleanup()


def colour(index):
    """A colour of the palette of 256."""
    if index < 16:
        return BASIC[index]
    if index >= 232:
        return "#" + f"{8 + 10 * (index - 232):02x}" * 3
    index -= 16
    return "#" + "".join(f"{STEPS[part]:02x}" for part in (index // 36, index // 6 % 6, index % 6))


class Look:
    """What escape sequences have set: colours, bold, dim, reversed."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ink = self.paper = None
        self.bold = self.dim = self.reversed = False

    def take(self, codes):
        codes = [int(code or 0) for code in re.split("[;:]", codes)]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 22:
                self.bold = self.dim = False
            elif code in (7, 27):
                self.reversed = code == 7
            elif code in (38, 48):
                kind = codes.pop(0)
                value = colour(codes.pop(0)) if kind == 5 else "#%02x%02x%02x" % tuple(codes.pop(0) for _ in range(3))
                self.ink, self.paper = (value, self.paper) if code == 38 else (self.ink, value)
            elif code in (39, 49):
                self.ink, self.paper = (None, self.paper) if code == 39 else (self.ink, None)
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.ink = BASIC[code - 30 if code < 90 else code - 82]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.paper = BASIC[code - 40 if code < 100 else code - 92]

    def now(self):
        ink, paper = self.ink or INK, self.paper
        if self.reversed:
            ink, paper = paper or PAPER, ink
        return ink, paper, self.bold, self.dim


def cells(row):
    """The signs of a row, each with how it looks."""
    look, out = Look(), []
    for codes, sign in re.findall("\x1b\\[([\\d;:]*)m|(.)", row):
        if sign:
            out.append((sign, *look.now()))
        else:
            look.take(codes)
    return out


def drawn(rows, columns, title):
    """SVG without styles and scripts: areas of one colour as one path each, and texts. Half blocks are areas, so that no font
    leaves gaps between them."""
    areas, texts = {}, []
    for line, row in enumerate(rows):
        y = line * CELL_H
        half = CELL_H // 2
        for at, (sign, ink, paper, *_) in enumerate(row):
            parts = {"▀": [(ink, y, half), (paper, y + half, CELL_H - half)], "▄": [(paper, y, half), (ink, y + half, CELL_H - half)]}
            for fill, top, height in parts.get(sign, [(paper, y, CELL_H)]) if sign != "█" else [(ink, y, CELL_H)]:
                if fill:
                    areas.setdefault(fill, {}).setdefault((top, height), []).append(at)
        # Words that look the same and stand one blank apart are one text.
        for run in re.finditer("[^ ▀▄█]+(?: [^ ▀▄█]+)*", "".join(cell[0] for cell in row)):
            at = run.start()
            while at < run.end():
                look = row[at][1], row[at][3], row[at][4]
                end = at
                while end < run.end() and (row[end][0] == " " or (row[end][1], row[end][3], row[end][4]) == look):
                    end += 1
                texts.append((at, y, "".join(cell[0] for cell in row[at:end]), look))
                at = end
    width, height = columns * CELL_W + 2 * PAD, len(rows) * CELL_H + 2 * PAD
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="{SIZE}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
        f'<g transform="translate({PAD} {PAD})">',
    ]
    for fill, spans in areas.items():
        path = ""
        for (top, tall), places in spans.items():
            for first, last in runs(places):
                path += f"M{first * CELL_W} {top}h{(last - first + 1) * CELL_W}v{tall}H{first * CELL_W}z"
        out.append(f'<path fill="{fill}" d="{path}"/>')
    for at, y, text, (ink, bold, dim) in texts:
        text = text.rstrip()
        weight = ' font-weight="600"' if bold else ""
        faint = ' opacity=".65"' if dim else ""
        length = f' textLength="{len(text) * CELL_W}"' if len(text) > 1 else ""
        out.append(f'<text x="{at * CELL_W}" y="{y + 13}" fill="{ink}"{weight}{faint}{length}>{escape(text)}</text>')
    return "\n".join([*out, "</g>", "</svg>", ""])


def runs(places):
    """The first and last of each row of neighbours."""
    first = last = places[0]
    for at in places[1:]:
        if at != last + 1:
            yield first, last
            first = at
        last = at
    yield first, last
