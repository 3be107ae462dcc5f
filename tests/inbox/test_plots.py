"""The geometry of the plots: what is drawn stays in the box, in proportion, whatever the numbers are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.plots import (
    COLUMN_HEIGHT,
    COLUMN_TOP,
    LINES_HEIGHT,
    LINES_TOP,
    MOST_CHARACTERS,
    MOST_DATES,
    MOST_MARKS,
    Item,
    bars,
    columns,
    lines,
    nice_top,
    shortened,
)

NUMBERS = st.integers(0, 10**9)
ITEMS = st.lists(st.builds(Item, st.text(max_size=300), st.tuples(NUMBERS, NUMBERS), st.text()), max_size=40)
ROUNDING = 0.02


def share(text: str) -> float:
    assert text.endswith("%")
    return float(text[:-1])


@given(ITEMS)
def test_bars_never_leave_the_box(items: list[Item]) -> None:
    drawn = bars(items)
    for bar in drawn.bars:
        assert len(bar.name) <= MOST_CHARACTERS
        assert all(share(part.x) >= 0 and share(part.x) + share(part.width) <= 100 + ROUNDING for part in bar.parts)
        assert all(int(part.y) + int(part.height) <= int(drawn.height) for part in bar.parts)
        assert all(
            share(second.x) == pytest.approx(share(first.x) + share(first.width), abs=ROUNDING)
            for first, second in pairwise(bar.parts)
        )


@given(ITEMS)
def test_columns_never_leave_the_box(items: list[Item]) -> None:
    for column in columns(items).columns:
        assert 0 <= share(column.label.x) <= 100
        assert all(share(part.x) >= 0 and share(part.x) + share(part.width) <= 100 + ROUNDING for part in column.parts)
        assert all(float(part.y) >= COLUMN_TOP - ROUNDING for part in column.parts)
        assert all(float(part.y) + float(part.height) <= COLUMN_TOP + COLUMN_HEIGHT + ROUNDING for part in column.parts)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=90))
def test_lines_never_leave_the_box(days: list[tuple[int, int]]) -> None:
    series = [[first for first, _second in days], [second for _first, second in days]]
    drawn = lines(series, [str(number) for number in range(len(days))])
    for line in drawn.lines:
        points = [tuple(map(float, point.split(","))) for point in line.points.split()]
        assert len(points) == len(days)
        assert all(0 <= x <= 100 and 0 <= y <= LINES_HEIGHT for x, y in points)
        assert all(LINES_TOP <= float(mark.y) <= LINES_TOP + LINES_HEIGHT for mark in line.marks)
        assert len(line.marks) == (len(days) if len(days) <= MOST_MARKS else 0)
    assert len(drawn.dates) == min(len(days), MOST_DATES)
    assert [drawn.dates[0].text, drawn.dates[-1].text] == ["0", str(len(days) - 1)]


def test_bars_are_as_long_as_their_numbers_say() -> None:
    first, second = bars([Item("a", (30, 10)), Item("b", (10, 0))]).bars
    assert [(part.series, part.x, part.width) for part in first.parts] == [
        (1, "0.00%", "75.00%"),
        (2, "75.00%", "25.00%"),
    ]
    assert [(part.series, part.width) for part in second.parts] == [(1, "25.00%")]


def test_columns_are_as_high_as_their_numbers_say() -> None:
    first, second = columns([Item("under\n1 hour", (3, 1), "4"), Item("older", (1, 1), "2")]).columns
    heights = [[float(part.height) for part in column.parts] for column in (first, second)]
    assert heights == [[COLUMN_HEIGHT * 0.75, COLUMN_HEIGHT * 0.25], [COLUMN_HEIGHT * 0.25] * 2]
    assert [part.label for part in first.parts] == ["3", "1"]
    assert [word.text for word in first.name] == ["under", "1 hour"]


def test_a_number_stands_only_in_a_part_that_has_room_for_it() -> None:
    (column,) = columns([Item("a", (1000, 1))]).columns
    assert [part.label for part in column.parts] == ["1000", ""]


def test_nothing_is_drawn_of_nothing() -> None:
    assert [bar.parts for bar in bars([Item("a", (0, 0))]).bars] == [[]]
    assert [column.parts for column in columns([Item("a", (0, 0))]).columns] == [[]]
    flat = lines([[0, 0]], ["1 May", "2 May"])
    assert flat.lines[0].points == f"2.00,{LINES_HEIGHT:.2f} 98.00,{LINES_HEIGHT:.2f}"
    assert (bars([]).bars, columns([]).columns, lines([[]], []).dates) == ([], [], [])


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (41, 100), (100, 100), (101, 200)]
)
def test_an_axis_ends_at_an_even_number(highest: int, top: int) -> None:
    assert nice_top(highest) == top


def test_long_names_are_shortened() -> None:
    assert shortened("x" * 255) == "x" * (MOST_CHARACTERS - 1) + "…"
    assert shortened("x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS
