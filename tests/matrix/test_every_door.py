"""Everything that can be asked for, of a run in every state, by everybody, through every door: the same yes and the
same code of no, with the same effect, equal to what `explain` says; and each no leaves its line in the audit.

Nothing is listed by hand but the verbs, the states and the people: the rest is their product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from pytest_django import Settings

from tests.matrix.conftest import Asker
from tests.matrix.crowd import STATES, a_run_that_is
from tests.matrix.doors import VERBS, YES, Door, Question, word_of_the_domain
from tests.test_parity import copies_of, effects_on
from usertasks.actors import Actor, actor_for
from usertasks.models import Refusal, Status, UserTaskRun
from usertasks.operations import CompletePolicy, SavePolicy
from usertasks.rules import REFUSALS, Action

pytestmark = pytest.mark.django_db(transaction=True)

MANAGERS = {"manager", "superuser"}
DOERS = {"owner", "substitute of the owner", *MANAGERS, "service for the owner"}
MOVERS = {"lead of the group", "excluded manager", *MANAGERS}
WHO: Mapping[str, Mapping[str, set[str]]] = {
    "UNASSIGNED": {
        "claim": {"member", "member who leads another group"},
        "release": set(),
        "assign": MOVERS,
        "cancel": MOVERS,
    },
    "ASSIGNED": {
        "claim": {"owner"},
        "release": {"owner", "substitute of the owner", "excluded manager", *MANAGERS},
        "save_progress": DOERS,
        "complete": {*DOERS, "service for a member"},
        "assign": MOVERS,
        "cancel": MOVERS,
        "edit_comment": {"owner", "service for the owner"},
        "delete_comment": {"owner", "excluded manager", *MANAGERS},
    },
    "DONE": {"complete": {"owner", "substitute of the owner", "service for the owner"}, "assign": set()},
    "CANCELLED": {"cancel": MOVERS, "complete": set()},
}
"""Some of it by hand, so that a rule that changes for all doors alike is noticed: state → verb → who is told yes."""


@dataclass(frozen=True)
class Wish:
    """Somebody wants something of a run; `told` is what `explain` says of it, None where that does not speak of it."""

    asker: Asker
    verb: str
    question: Question
    told: str | None

    @property
    def place(self) -> tuple[str, str]:
        return self.verb, self.asker.relation

    def is_repeat(self, by: Actor) -> bool:
        """A completion that is sent again finds itself done, although a run that is done is completed no more."""
        is_theirs = self.question.run.user_id in (by.user_id, *by.stands_in_for)
        return self.verb == "complete" and self.question.run.status == Status.DONE and is_theirs

    def word(self) -> str:
        """What the operation answers, which has to be what `explain` says."""
        if self.asker.user is None:
            return "not_signed_in"
        by = actor_for(self.asker.user)
        word = word_of_the_domain(VERBS[self.verb], self.question, by)
        assert self.told in (None, word) or self.is_repeat(by), self.place
        return word


@dataclass(frozen=True)
class Cell:
    """One field of the matrix: a wish at one door, for a copy of the run that is its own."""

    wish: Wish
    door: Door
    question: Question

    def ask(self) -> str:
        return self.door.ask(VERBS[self.wish.verb], self.question)


def explained_to(asker: Asker, run: UserTaskRun) -> Mapping[str, tuple[str, str]]:
    """What `explain` tells of each action: the word with which it is answered, and the detail."""
    answer = asker.rest.caller.get(f"user-task-runs/{run.id.hex}/explain/")
    if answer.status_code != 200:
        return {action: (answer.json()["code"], "") for action in Action}
    return {
        action: (YES if said["allowed"] else REFUSALS[said["reason"]].code, said["detail"])
        for action, said in answer.json()["actions"].items()
    }


def wishes_of(asker: Asker, run: UserTaskRun, verbs: Sequence[str]) -> Iterator[Wish]:
    """What they ask for, in the way that the detail of a yes says; a service for somebody asks for what it can."""
    explained = explained_to(asker, run)
    for name in verbs:
        verb = VERBS[name]
        told, detail = explained[verb.action] if verb.action else (None, "")
        is_forced = "override_claim" in detail or SavePolicy.IGNORE_CLAIM in detail
        if not asker.named:
            yield Wish(asker, name, Question(run, asker.name, is_forced=is_forced), told)
        elif verb.takes_person:
            yield Wish(asker, name, Question(run, asker.name, named=asker.named), None)


def cells_of(wishes: Sequence[Wish], run: UserTaskRun) -> list[Cell]:
    """Each wish at each door that can be asked for it."""
    cells = [
        Cell(wish, door, wish.question)
        for wish in wishes
        for door in wish.asker.doors
        if door.has(VERBS[wish.verb], wish.question.named)
    ]
    copies = copies_of(run, len(cells))
    return [replace(cell, question=replace(cell.question, run=copy)) for cell, copy in zip(cells, copies, strict=True)]


def audit_of(cells: Sequence[Cell], words: Sequence[str]) -> list[tuple[str, ...]]:
    """The lines that the refusals of these cells have to leave, those of people who are known."""
    return sorted(
        (
            cell.question.run.id.hex,
            cell.wish.verb,
            word,
            cell.wish.asker.name,
            cell.question.named or "",
            cell.door.name,
        )
        for cell, word in zip(cells, words, strict=True)
        if word != YES and cell.wish.asker.user and cell.wish.verb != "view"
    )


def audit() -> list[tuple[str, ...]]:
    lines = Refusal.objects.values_list("run_id", "action", "code", "actor", "on_behalf_of", "door")
    return sorted((line[0].hex if line[0] else "", *(text or "" for text in line[1:])) for line in lines)


type Words = Mapping[tuple[str, str], str]
"""What was said, by the verb and the relation of whoever asked."""


def agreed_words(askers: Mapping[str, Asker], run: UserTaskRun, verbs: Sequence[str]) -> Words:
    """What all doors, and the audit, agree about."""
    wishes = [wish for asker in askers.values() for wish in wishes_of(asker, run, verbs)]
    expected = {wish.place: wish.word() for wish in wishes}
    cells = cells_of(wishes, run)
    assert audit() == []
    words = [cell.ask() for cell in cells]
    wrong = [
        (*cell.wish.place, cell.door.name, word, "instead of", said)
        for cell, word in zip(cells, words, strict=True)
        if word != (said := expected[cell.wish.place])
    ]
    assert wrong == []
    assert_that_effects_agree(cells)
    assert audit() == audit_of(cells, words)
    return expected


def assert_that_effects_agree(cells: Sequence[Cell]) -> None:
    effects = effects_on([cell.question.run for cell in cells])
    by_place: dict[tuple[str, str], dict[str, object]] = {}
    for cell, effect in zip(cells, effects, strict=True):
        by_place.setdefault(cell.wish.place, {})[cell.door.name] = effect
    differing = {place: told for place, told in by_place.items() if any(e != told["rest"] for e in told.values())}
    assert differing == {}


@pytest.mark.parametrize("state", STATES)
def test_every_door_gives_everybody_the_same_answer(askers: Mapping[str, Asker], state: str) -> None:
    words = agreed_words(askers, a_run_that_is(state), list(VERBS))
    assert {YES, "not_found", "not_allowed", "not_signed_in"} <= set(words.values())
    for verb, names in WHO.get(state, {}).items():
        assert {relation for (asked, relation), word in words.items() if asked == verb and word == YES} == names, verb


@pytest.mark.parametrize("state", ["UNASSIGNED", "ASSIGNED"])
def test_every_door_follows_the_policy_for_completing(
    askers: Mapping[str, Asker], settings: Settings, state: str
) -> None:
    settings.USERTASKS = {**settings.USERTASKS, "COMPLETE_POLICY": CompletePolicy.FAIL_IF_CLAIMED_BY_OTHER}
    words = agreed_words(askers, a_run_that_is(state), ["complete"])
    assert ("already_claimed" in words.values()) == (state == "ASSIGNED")


def test_the_matrix_leaves_no_action_of_the_table_out() -> None:
    assert {verb.action for verb in VERBS.values() if verb.action} == set(Action)
