"""What a search asks for is read once, and means the same each time; a local time is that of the zone of the moment."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from usertasks.errors import InvalidArgument
from usertasks.filterset import BRIEF, _read, asked_for


def asked(*, is_local: bool = False, **texts: str | list[str]) -> dict[str, object]:
    lists = {name: text if isinstance(text, list) else [text] for name, text in texts.items()}
    return asked_for(MultiValueDict(lists), is_local=is_local)


@pytest.fixture(autouse=True)
def _nothing_is_known() -> None:
    _read.cache_clear()


def test_it_is_read_once() -> None:
    first, second = (asked(status=["DONE", "CANCELLED"], user_id="alice", sort="due") for _ in range(2))
    assert first == second == {"status": ["DONE", "CANCELLED"], "user_id": "alice", "sort": "due"}
    assert (_read.cache_info().misses, _read.cache_info().hits) == (1, 1)


def test_what_one_search_makes_of_it_no_other_notices() -> None:
    asked(user_id="alice", sort="due").pop("sort")
    assert asked(user_id="alice", sort="due")["sort"] == "due"


def test_a_local_time_is_that_of_the_zone_of_the_moment() -> None:
    found = []
    for zone in ("Europe/Berlin", "America/New_York", "Europe/Berlin"):
        with timezone.override(ZoneInfo(zone)):
            found.append(asked(is_local=True, earliest_start="2026-01-15T12:00")["earliest_start"])
    berlin, new_york = datetime(2026, 1, 15, 11, tzinfo=UTC), datetime(2026, 1, 15, 17, tzinfo=UTC)
    assert found == [berlin, new_york, berlin]


def test_a_program_has_to_name_the_offset_though_a_page_was_understood_without() -> None:
    asked(is_local=True, earliest_start="2026-01-15T12:00")
    with pytest.raises(InvalidArgument):
        asked(earliest_start="2026-01-15T12:00")


def test_what_is_wrong_is_told_each_time() -> None:
    for _ in range(2):
        with pytest.raises(InvalidArgument) as refusal:
            asked(status="OPEN", colour="red", user_id=["alice", "bob"])
        assert refusal.value.faults.keys() == {"status", "colour", "user_id"}


def test_what_is_long_is_not_remembered() -> None:
    for _ in range(2):
        assert asked(wf_run_id="x" * (BRIEF + 1))["wf_run_id"] == "x" * (BRIEF + 1)
    assert _read.cache_info().currsize == 0
    asked(wf_run_id="x" * BRIEF)
    assert _read.cache_info().currsize == 1
