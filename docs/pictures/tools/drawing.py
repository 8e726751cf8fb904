"""Terminal windows as SVG, in the light and dark of the reader's browser."""

import base64
import subprocess
from html import escape

from terminal import BLANK, CELL, COLUMNS

# Pixels of a character, of its text above the baseline, between a window's edge and its text, and around a screen of
# its own.
WIDTH, HEIGHT, ASCENT, PADDING, GAP = 9, 18, 13.5, 24, 12
# The thickness of a phone's frame, and the proportions of its screen.
FRAME, PHONE = 6, (390, 700)
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
# A theme: the variables of STYLE, and the palette's first eight colors.
LIGHT = {"paper": "#fbfbfa", "screen": "#f1f1ee", "edge": "#d4d4cf", "ink": "#24292f", "dim": "#6b737c",
         "frame": "#3b4249"}
DARK = {"paper": "#15191f", "screen": "#0d1014", "edge": "#343b45", "ink": "#e3e8ee", "dim": "#8b949e",
        "frame": "#454c56"}
PALETTES = (
    "#24292f #b3261e #1a7f37 #8a6100 #0a5cc4 #8a3ffc #1b7c83 #6b737c".split(),
    "#8b949e #ff8078 #56c271 #e0b13c #6cb0ff #c299ff #4fc3cf #e3e8ee".split(),
)
STYLE = f"""
text{{font:15px {FONT};white-space:pre;fill:var(--ink)}}
.b{{font-weight:600}}.d{{fill:var(--dim)}}.v{{fill:var(--paper)}}.i{{font-style:italic}}.u{{text-decoration:underline}}
.paper{{fill:var(--paper);stroke:var(--edge)}}.screen{{fill:var(--screen)}}.edge{{stroke:var(--edge)}}
.frame{{fill:none;stroke:var(--frame);stroke-width:6}}
.dark{{display:none}}@media(prefers-color-scheme:dark){{.light{{display:none}}.dark{{display:inline}}}}
"""
# Block characters, by the halves of the cell that have the color of the letters.
HALVES = {"█": (True, True), "▀": (True, False), "▄": (False, True)}


def theme(variables, palette):
    colors = {f"c{number}": color for number, color in enumerate(palette)}
    return ":root{" + ";".join(f"--{name}:{value}" for name, value in (variables | colors).items()) + "}"


def color(value):
    """A color of the palette, or one of its own."""
    if isinstance(value, str):
        return value
    if value < 16:
        return f"var(--c{value % 8})"
    if value > 231:
        return "#" + f"{(value - 232) * 10 + 8:02x}" * 3
    steps = (0, 95, 135, 175, 215, 255)
    red, green, blue = (value - 16) // 36, (value - 16) // 6 % 6, (value - 16) % 6
    return f"#{steps[red]:02x}{steps[green]:02x}{steps[blue]:02x}"


def rectangle(left, top, width, height):
    return f'x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}"'


def runs(row):
    """The stretches of a row that have one style: their column, style and text."""
    start = 0
    for column in range(1, len(row) + 1):
        if column == len(row) or row[column][1] != row[start][1]:
            yield start, row[start][1], "".join(character for character, _ in row[start:column])
            start = column


def letters(row, x, y):
    """The text of a row, and the ground behind it."""
    ground, text = "", ""
    for column, style, characters in runs(row):
        left = x + column * WIDTH
        if style.inverse or style.ground is not None:
            fill = "var(--ink)" if style.inverse else color(style.ground)
            ground += f'<rect {rectangle(left, y, len(characters) * WIDTH, HEIGHT)} fill="{fill}"/>'
        shown = characters.rstrip()
        if not shown:
            continue
        flags = {"b": style.bold, "d": style.dim, "v": style.inverse, "i": style.italic, "u": style.underlined}
        names = " ".join(name for name, is_on in flags.items() if is_on)
        names = f' class="{names}"' if names else ""
        fill = f' style="fill:{color(style.ink)}"' if style.ink is not None else ""
        # A font may be wider or narrower than the columns.
        length = f' textLength="{len(shown) * WIDTH}" lengthAdjust="spacingAndGlyphs"'
        text += f'<text x="{left:g}" y="{y + ASCENT:g}"{length}{names}{fill}>{escape(shown, quote=False)}</text>'
    return ground + text


def blocks(rows, x, y):
    """Block characters, two pixels above each other in each cell: a rectangle a stretch of one color."""
    paths = {}
    for number, row in enumerate(rows):
        for half in (0, 1):
            colors = [style.ink if HALVES.get(it, (0, 0))[half] else style.ground for it, style in row]
            start = 0
            for column in range(1, len(row) + 1):
                if column < len(row) and colors[column] == colors[start]:
                    continue
                if colors[start] is not None:
                    left, top = x + start * WIDTH, y + number * HEIGHT + half * HEIGHT / 2
                    width = (column - start) * WIDTH
                    path = f"M{left:g} {top:g}h{width}v{HEIGHT / 2:g}h-{width}z"
                    paths[colors[start]] = paths.get(colors[start], "") + path
                start = column
    return "".join(
        f'<path shape-rendering="crispEdges" fill="{color(fill)}" d="{path}"/>' for fill, path in paths.items()
    )


def is_drawn(row):
    """Whether a row is part of a drawing, such as a QR code: more than text, in colors of its own."""
    return any(style.ground is not None and style.ink is not None for _, style in row)


def jpeg(photo):
    head = f"P6 {photo.width} {photo.height} 255\n".encode()
    command = ["cjpeg", "-quality", "75", "-optimize", "-progressive"]
    return subprocess.run(command, input=head + photo.rgb, stdout=subprocess.PIPE, check=True).stdout


def photo_of(view, x, y):
    photo = view.photo
    left, top = x + photo.column * WIDTH, y + photo.row * HEIGHT
    width, height = photo.width * WIDTH / CELL[0], photo.height * HEIGHT / CELL[1]
    data = base64.b64encode(jpeg(photo)).decode()
    return f'<image {rectangle(left, top, width, height)} href="data:image/jpeg;base64,{data}"/>'


class Picture:
    """A window."""

    def __init__(self, title, *views):
        """The views follow each other. One with a photo was a screen of its own, and has another background."""
        self.title = title
        self.width = COLUMNS * WIDTH + 2 * PADDING
        self.parts = []
        y = PADDING
        for view in views:
            height = len(view.rows) * HEIGHT
            if view.photo:
                y += GAP
                self.parts += [self.strip(y, height), photo_of(view, PADDING, y)]
            self.parts.append(rows_of(view, PADDING, y))
            y += height + (GAP if view.photo else 0)
        self.height = y + PADDING
        self.parts.insert(0, f'<rect class="paper" {rectangle(0.5, 0.5, self.width - 1, self.height - 1)} rx="10"/>')

    def phone(self, rows, pictures):
        """Puts a phone on the window, beside some of its rows. The two pictures are its screen in light and in dark."""
        # Half a row stays free above and below.
        height = (len(rows) - 1) * HEIGHT - 2 * FRAME
        width = height * PHONE[0] / PHONE[1]
        left, top = self.width - PADDING - FRAME - width, PADDING + (rows[0] + 0.5) * HEIGHT + FRAME
        place = rectangle(left, top, width, height)
        frame = rectangle(left - FRAME / 2, top - FRAME / 2, width + FRAME, height + FRAME)
        self.parts.append(f'<clipPath id="phone"><rect {place} rx="14"/></clipPath>')
        for name, picture in zip(("light", "dark"), pictures):
            data = base64.b64encode(picture).decode()
            self.parts.append(
                f'<image class="{name}" clip-path="url(#phone)" preserveAspectRatio="xMidYMin slice" {place}'
                f' href="data:image/webp;base64,{data}"/>'
            )
        self.parts.append(f'<rect class="frame" {frame} rx="17"/>')

    def strip(self, y, height):
        """The background of a screen of its own, with a line above and below."""
        lines = f"M1 {y - 0.5:g}H{self.width - 1}M1 {y + height + 0.5:g}H{self.width - 1}"
        return (
            f'<rect class="screen" {rectangle(1, y, self.width - 2, height)}/>'
            f'<path class="edge" d="{lines}"/>'
        )

    def svg(self):
        size = f'width="{self.width}" height="{self.height:g}" viewBox="0 0 {self.width} {self.height:g}"'
        dark = f"@media(prefers-color-scheme:dark){{{theme(DARK, PALETTES[1])}}}"
        style = theme(LIGHT, PALETTES[0]) + dark + STYLE
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n'
            f"<title>{escape(self.title)}</title>\n<style>{style}</style>\n" + "\n".join(self.parts) + "\n</svg>\n"
        )


def rows_of(view, x, y):
    """Every row of a view: rows of a drawing together, all others as text."""
    parts, drawn = [], []
    for number, row in enumerate([*view.rows, [BLANK]]):
        if is_drawn(row):
            drawn.append(row)
            continue
        if drawn:
            parts.append(blocks(drawn, x, y + (number - len(drawn)) * HEIGHT))
            drawn = []
        parts.append(letters(row, x, y + number * HEIGHT))
    return "\n".join(part for part in parts if part)
