"""The audit on its way out: everything, once, in order, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.audit.histories import ALICE, a_story
from tests.cast import a_run
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.audit.records import COLUMNS
from usertasks.errors import Refused
from usertasks.models import Refusal, UserTaskEvent

pytestmark = pytest.mark.django_db


def exported(**options: Any) -> str:
    out = io.StringIO()
    call_command("export_audit", stdout=out, **options)
    return out.getvalue()


def json_lines(**options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(**options).splitlines()]


def csv_lines(**options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported(format="csv", **options), newline="")))


def a_refusal(name: str = "mallory") -> Refusal:
    with suppress(Refused):
        operations.claim(a_run().id, by=Actor(name))
    return Refusal.objects.latest("id")


def test_events_and_refusals_go_out_in_the_order_of_time_with_their_links() -> None:
    run, refusal = a_story(), a_refusal()
    operations.add_comment(run.id, "after that", by=ALICE)
    lines = json_lines()
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert all(tuple(line) == COLUMNS for line in lines)
    assert len(lines) == UserTaskEvent.objects.count() + 1
    event = UserTaskEvent.objects.get(run=run, number=3)
    told = next(line for line in lines if line["run_id"] == run.id.hex and line["number"] == 3)
    assert (told["type"], told["actor"], told["door"], told["address"]) == ("saved", "alice", "rest", "192.0.2.7")
    assert (told["data"], told["link"], told["feed_link"]) == (event.data, event.link, event.feed_link)
    refusal.refresh_from_db()
    denied = next(line for line in lines if line["kind"] == "refusal")
    assert (denied["type"], denied["code"], denied["actor"], denied["position"]) == ("claim", "not_found", "mallory", 1)
    assert denied["link"] == refusal.link != ""


def test_csv_says_the_same_as_json_lines() -> None:
    a_story()
    a_refusal()
    told, read = json_lines(), csv_lines()
    assert [line["link"] for line in read] == [line["link"] for line in told]
    assert [json.loads(line["data"] or "null") for line in read] == [line["data"] for line in told]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=cmd|" /C calc"!A0'])
def test_nothing_in_csv_begins_like_a_formula(name: str) -> None:
    a_refusal(name)
    assert csv_lines(user_id=name)[0]["actor"] == f"'{name}"


def test_words_with_ends_of_lines_and_quotes_stay_one_cell() -> None:
    run = a_story()
    words = 'one\r\ntwo, "three"\n=four'
    operations.add_comment(run.id, words, by=ALICE)
    assert json.loads(csv_lines()[-1]["data"])["comment"] == words
    assert json_lines()[-1]["data"]["comment"] == words


def test_one_run_one_person_and_a_span_are_chosen(service: User) -> None:
    run, other = a_story(), a_run(user_id="bob")
    operations.complete(other.id, {"requestedItem": "x", "justification": "y"}, by=actor_for(service), user_id="bob")
    assert {line["run_id"] for line in json_lines(run=str(run.id))} == {run.id.hex}
    assert [line["type"] for line in json_lines(user_id="bob")] == ["completed"]
    assert {line["actor"] for line in json_lines(user_id="alice")} == {"alice"}
    last = UserTaskEvent.objects.latest("time").time
    assert json_lines(since=(last + timedelta(seconds=1)).isoformat()) == []
    assert len(json_lines(until=last.isoformat())) == UserTaskEvent.objects.filter(time__lt=last).count()
    for wrong in ({"since": "yesterday"}, {"run": "x"}, {"output": "/nowhere/at/all"}):
        with pytest.raises(CommandError):
            exported(**{name: Path(value) if name == "output" else value for name, value in wrong.items()})


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    a_story()
    path = tmp_path / "audit.jsonl"
    assert exported(output=path) == ""
    assert len(path.read_text().splitlines()) == 6
    assert path.stat().st_mode & 0o777 == 0o600
