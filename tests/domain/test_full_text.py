"""Looking for words: in the notes, the name of the definition and the results; and no words stop a run from saving."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import FINANCE, a_definition, a_run
from tests.domain.strategies import looking_at
from usertasks import operations
from usertasks.actors import Actor
from usertasks.errors import InvalidArgument
from usertasks.filters import Search
from usertasks.full_text import MAX_TEXT
from usertasks.models import Status, UserTaskField, UserTaskRun
from usertasks.operations.creation import MAX_NOTES

pytestmark = pytest.mark.django_db

ALICE = Actor("alice", groups=frozenset({FINANCE}))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def found(text: str, by: Actor = ALICE) -> set[UserTaskRun]:
    search = Search(MultiValueDict({"text": [text]}), by=by)
    runs = set(search.runs())
    assert {row.id for row in search.page(limit=200).rows} == {run.id for run in runs}
    return runs


@pytest.mark.parametrize("every", [1, 3, 40, 700])
def test_a_word_is_found_however_frequent_it_is_and_in_order(every: int) -> None:
    """More runs than are looked at one by one, more of them with the word than are sorted at once, or hardly any."""
    definition = a_definition()
    given = {"definition": definition, "user_task_def_name": definition.name, "user_task_def_version": 0}
    runs = [
        UserTaskRun(
            **given,
            status=Status.UNASSIGNED,
            user_group=FINANCE,
            notes="apollo" if number % every == every - 1 else "gemini",
            scheduled_time=NOON + timedelta(seconds=number),
        )
        for number in range(1500)
    ]
    UserTaskRun.objects.bulk_create(runs)
    expected = [run.id for run in reversed(runs) if run.notes == "apollo"]
    search = Search(MultiValueDict({"text": ["apollo"]}), by=ALICE)
    page = search.page(limit=50)
    assert [row.id for row in page.rows] == expected[:50]
    assert page.has_more == (len(expected) > 50)
    assert search.count() == len(expected)
    if page.has_more:
        after = search.page(limit=50, after=search.order.position_of(page.rows[-1]))
        assert [row.id for row in after.rows] == expected[50:100]


def answered(results: dict[str, Any]) -> UserTaskRun:
    kinds = {str: "STR", int: "INT", float: "DOUBLE", dict: "JSON_OBJ", list: "JSON_ARR", bool: "BOOL"}
    fields = [UserTaskField(name=name, type=kinds[type(value)], required=False) for name, value in results.items()]
    run = a_run(a_definition("leave-request", fields))
    return operations.save_progress(run.id, results, by=ALICE)


def test_every_word_has_to_be_there_in_whichever_of_the_places() -> None:
    run = a_run(a_definition("leave-request"), notes="Two weeks on Naboo\nwith Padmé")
    run = operations.save_progress(run.id, {"requestedItem": "starship"}, by=ALICE)
    a_run(notes="Two weeks on Hoth")
    for text in ("naboo", "NABOO two", "padmé", "starship Naboo", "leave-request", "leave starship", "nab"):
        assert found(text) == {run}, text
    for text in ("naboo hoth", "starships", "Tatooine", "requestedItem"):
        assert found(text) == set(), text


def test_white_space_between_words_means_nothing() -> None:
    run = a_run(notes="red shoes")
    assert found("  red \t\n shoes ") == {run}


def test_umlauts_and_other_scripts_are_found_whatever_their_case() -> None:
    run = a_run(notes="Überweisung für Jörg, 東京 出張, Ελλάδα")
    for text in ("Überweisung", "jörg", "JöRG", "東京", "Ελλάδα"):
        assert found(text) == {run}, text
    if connection.vendor == "postgresql":  # SQLite folds the case of ASCII alone
        for text in ("überweisung", "JÖRG", "ΕΛΛΆΔΑ"):
            assert found(text) == {run}, text


def test_numbers_and_what_lies_deep_in_results_are_found() -> None:
    run = answered({"amount": 4711, "share": 0.25, "tree": {"a": [{"b": "buried"}, 98]}, "names": ["Rey", "Finn"]})
    for text in ("4711", "0.25", "buried", "98", "rey finn"):
        assert found(text) == {run}, text
    assert found("1234") == set()


def test_what_one_may_not_see_is_not_found() -> None:
    a_run(user_group="it", notes="naboo")
    assert found("naboo") == set()


ODD = [
    "a & b | !c:*'\\",
    "'",
    "''",
    "\\",
    "\\'",
    ":*",
    "!",
    "<->",
    "( )",
    "%",
    "_",
    "%%",
    "a:b",
    "&",
    '"',
    "-",
    "¿?",
    "$1",
    "{}",
    "%s",
    "\u200b",
    "\U0001f600",
    "x" * MAX_TEXT,
    " ".join("abcdefgh" * 10),
]


@pytest.mark.parametrize("text", ODD)
def test_operators_and_quotes_are_letters_like_others(text: str) -> None:
    a_run(notes="plain words")
    found(text)


@looking_at(examples=100)
@given(text=st.text(max_size=MAX_TEXT))
def test_whatever_is_looked_for_is_answered_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidArgument):
        found(text)


@pytest.mark.parametrize("text", ["", "  \t", "a\0b", "\ud800", "x" * (MAX_TEXT + 1)])
def test_what_is_no_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        found(text)
    assert list(refused.value.faults) == ["text"]


def test_a_word_with_a_wildcard_finds_no_other() -> None:
    run = a_run(notes="100% sure_thing")
    a_run(notes="1000 sure thing")
    if connection.vendor == "sqlite":
        assert (found("100%"), found("sure_thing")) == ({run}, {run})
    else:
        assert run in found("100%")


def many_words(count: int) -> str:
    """So many different words, about eight bytes each."""
    letters = itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=4)
    return " ".join(f"{''.join(word)}{number}" for number, word in enumerate(itertools.islice(letters, count)))


@pytest.mark.parametrize(
    "results",
    [
        pytest.param({"text": "x" * 10_000_000}, id="one word of 10 MB"),
        pytest.param({"text": many_words(40_000)}, id="300 kB of different words"),
        pytest.param({"text": many_words(18_000)}, id="as many words as are looked at one by one"),
        pytest.param({"numbers": list(range(30_000))}, id="many numbers"),
        pytest.param({"tree": {"deep": [{"word": word} for word in many_words(8_000).split()]}}, id="many short texts"),
    ],
)
def test_however_many_words_results_have_they_can_be_saved(results: dict[str, Any]) -> None:
    run = answered(results)
    run.refresh_from_db()
    assert run.results == results
    assert run in found("leave-request")


def test_however_long_notes_are_they_can_be_saved() -> None:
    notes = f"beginning {'ü' * 3000} {many_words(12_000)}"[:MAX_NOTES]
    run = a_run(notes=notes)
    run.refresh_from_db()
    assert run.notes == notes
    assert found("beginning") == {run}


def test_long_notes_and_long_results_together_can_be_saved() -> None:
    words = many_words(26_000)
    run = a_run(
        a_definition("leave-request", [UserTaskField(name="text", type="STR")]), notes=f"notes {words}"[:MAX_NOTES]
    )
    run = operations.save_progress(run.id, {"text": words[:199_000]}, by=ALICE)
    assert found("notes") == {run}
