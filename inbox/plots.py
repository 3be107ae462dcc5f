"""Plots: numbers become the geometry of an SVG, and nothing here knows what the numbers are about.

Lengths across are shares of the width ("42.5%"), lengths down are pixels: a plot fills what room there is, and its
words keep their size. Whatever is drawn stays within the box. All of it is text, so that no language writes a decimal
comma into an attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 24
"""What of a name fits beside its numbers on a phone."""

BAR_PITCH, BAR_HEIGHT, BAR_WORDS, BAR_TOP = 42, 14, 14, 21
"""Of a bar: how far it is from one to the next, how thick it is, where its words stand and where it begins."""

COLUMN_TOP, COLUMN_HEIGHT, COLUMN_SHARE = 20, 150, 0.7
"""Of the columns: the room above for numbers, how high they grow, and how much of its place one fills."""
LINE_HEIGHT, LEAST_FOR_NUMBER = 15, 17
"""How far one line of words is below the other, and how high a part must be to have its number in it."""

LINES_TOP, LINES_HEIGHT, LINES_BELOW = 18, 150, 22
LINES_SIDE = 2.0
"""The share of the width that stays free at either side, for the marks at the ends."""
MOST_MARKS, MOST_DATES = 31, 4


@dataclass(frozen=True)
class Item:
    """What is drawn: a name, the numbers of its parts, and the words that stand for these."""

    name: str
    parts: Sequence[int]
    label: str = ""


@dataclass(frozen=True)
class Part:
    """A rectangle; `series` is 1 for the first kind of parts, `label` its number where there is room for it."""

    series: int
    x: str
    y: str
    width: str
    height: str
    label: str = ""
    label_y: str = ""


@dataclass(frozen=True)
class Word:
    x: str
    y: str
    text: str


@dataclass(frozen=True)
class Bar:
    """A name, what stands for its numbers, and the parts one behind the other."""

    name: str
    label: str
    words_y: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Bars:
    height: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Column:
    """The parts one on the other, what stands above for all of them, and the lines of the name below."""

    label: Word
    parts: Sequence[Part]
    name: Sequence[Word]


@dataclass(frozen=True)
class Columns:
    height: str
    base: str
    columns: Sequence[Column]


@dataclass(frozen=True)
class Mark:
    """Where the middle of a mark is."""

    x: str
    y: str


@dataclass(frozen=True)
class Line:
    """`points` are in a box of 100 by `Lines.inner_height`, stretched to the width; `marks` are where they lie then."""

    series: int
    points: str
    marks: Sequence[Mark]


@dataclass(frozen=True)
class Lines:
    height: str
    top: str
    inner_height: str
    lines: Sequence[Line]
    grid: Sequence[Word]
    dates: Sequence[Word]


def bars(items: Sequence[Item]) -> Bars:
    """A bar for each item, from the top; the longest one fills the width."""
    longest = max((sum(item.parts) for item in items), default=0)
    drawn = []
    for number, item in enumerate(items):
        y, x, parts = number * BAR_PITCH, 0.0, []
        for series, value in enumerate(item.parts, start=1):
            width = _share(value, longest)
            if value:
                parts.append(Part(series, _percent(x), str(y + BAR_TOP), _percent(width), str(BAR_HEIGHT)))
            x += width
        drawn.append(Bar(shortened(item.name), item.label, str(y + BAR_WORDS), parts))
    return Bars(str(max(0, len(items) - 1) * BAR_PITCH + BAR_TOP + BAR_HEIGHT), drawn)


def columns(items: Sequence[Item]) -> Columns:
    """A column for each item, from the left; the highest one fills the height. A name may have several lines."""
    highest = max((sum(item.parts) for item in items), default=0)
    base = COLUMN_TOP + COLUMN_HEIGHT
    place = 100 / max(1, len(items))
    drawn = [_column(item, number * place, place, highest, base) for number, item in enumerate(items)]
    most_lines = max((len(item.name.splitlines()) for item in items), default=0)
    return Columns(str(base + most_lines * LINE_HEIGHT + 6), str(base), drawn)


def lines(series: Sequence[Sequence[int]], dates: Sequence[str]) -> Lines:
    """A line for each series, over as many places as there are `dates`, of which a few are written below."""
    top = nice_top(max((value for values in series for value in values), default=0))
    places = [_place(number, len(dates)) for number in range(len(dates))]
    drawn = []
    for number, values in enumerate(series, start=1):
        heights = [LINES_HEIGHT * (1 - value / top) for value in values]
        points = " ".join(f"{x:.2f},{y:.2f}" for x, y in zip(places, heights, strict=True))
        with_marks = zip(places, heights, strict=True) if len(dates) <= MOST_MARKS else ()
        marks = [Mark(_percent(x), f"{LINES_TOP + y:.2f}") for x, y in with_marks]
        drawn.append(Line(number, points, marks))
    grid = [
        Word("0", f"{LINES_TOP + LINES_HEIGHT * (1 - value / top):.0f}", str(value)) for value in (0, top // 2, top)
    ]
    below = str(LINES_TOP + LINES_HEIGHT + LINES_BELOW - 5)
    written = [Word(_percent(places[number]), below, dates[number]) for number in _spread(len(dates))]
    height = str(LINES_TOP + LINES_HEIGHT + LINES_BELOW)
    return Lines(height, str(LINES_TOP), str(LINES_HEIGHT), drawn, grid, written)


def shortened(name: str) -> str:
    """The name, as far as there is room for it."""
    return name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 1].rstrip()}…"


def nice_top(highest: int) -> int:
    """Where an axis ends: the next even number of the kind 2, 4, 10, 20, 40, 100, so that its middle is whole."""
    top = 2
    while top < highest:
        top = top * 5 // 2 if str(top).startswith("4") else top * 2
    return top


def _column(item: Item, left: float, place: float, highest: int, base: int) -> Column:
    x, width, middle = left + place * (1 - COLUMN_SHARE) / 2, place * COLUMN_SHARE, _percent(left + place / 2)
    y, parts = float(base), []
    for series, value in enumerate(item.parts, start=1):
        height = COLUMN_HEIGHT * _share(value, highest) / 100
        y -= height
        label = str(value) if height >= LEAST_FOR_NUMBER else ""
        if value:
            words_y = f"{y + height / 2 + 4:.2f}"
            parts.append(Part(series, _percent(x), f"{y:.2f}", _percent(width), f"{height:.2f}", label, words_y))
    name = [
        Word(middle, str(base + (line + 1) * LINE_HEIGHT), words) for line, words in enumerate(item.name.splitlines())
    ]
    return Column(Word(middle, f"{y - 6:.2f}", item.label), parts, name)


def _place(number: int, places: int) -> float:
    """Where across the width one of so many places is; a single one is in the middle."""
    if places < 2:
        return 50.0
    return LINES_SIDE + (100 - 2 * LINES_SIDE) * number / (places - 1)


def _spread(places: int) -> list[int]:
    """A few of so many places, the first and the last among them."""
    if places <= MOST_DATES:
        return list(range(places))
    return [round(number * (places - 1) / (MOST_DATES - 1)) for number in range(MOST_DATES)]


def _share(value: int, whole: int) -> float:
    return 100 * value / whole if whole else 0.0


def _percent(share: float) -> str:
    return f"{min(share, 100.0):.2f}%"
