"""Runs are created: for somebody or for a group, of one version of a definition, and only once for one id."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import User

from tests.cast import ENGINE, FINANCE, a_definition
from usertasks import operations
from usertasks.actors import Actor, actor_for
from usertasks.errors import AlreadyExists, InvalidArgument, NotAllowed, NotFound, Refused
from usertasks.models import Status, UserTaskField, UserTaskRun
from usertasks.operations import RunRequest, create, create_many

pytestmark = pytest.mark.django_db

GUID = uuid.UUID("0123456789abcdef0123456789abcdef")
FOR_FINANCE = RunRequest("it-request", user_group=FINANCE)


@pytest.fixture(autouse=True)
def _definition() -> None:
    a_definition()


def created(request: RunRequest, by: Actor = ENGINE) -> UserTaskRun:
    run = create(request, by=by).run
    assert run is not None
    return run


def test_a_run_with_a_user_is_assigned() -> None:
    run = created(RunRequest("it-request", user_id="alice", user_group=FINANCE))
    assert (run.status, run.user_id, run.user_group) == (Status.ASSIGNED, "alice", FINANCE)


def test_a_run_with_only_a_group_is_unassigned() -> None:
    run = created(FOR_FINANCE)
    assert (run.status, run.user_id, run.user_group) == (Status.UNASSIGNED, None, FINANCE)


def test_what_was_not_asked_for_has_its_default() -> None:
    run = created(FOR_FINANCE)
    run.refresh_from_db()
    assert (run.priority, run.notes, run.results, run.epoch, run.version) == (50, "", {}, 1, 1)
    assert (run.due_at, run.completed_at, run.on_cancellation_exception_name) == (None, None, None)


def test_a_workflow_run_is_made_up_when_none_is_given() -> None:
    first, second = created(FOR_FINANCE), created(FOR_FINANCE)
    assert first.wf_run_id
    assert first.wf_run_id != second.wf_run_id
    assert created(replace(FOR_FINANCE, wf_run_id="wf-7")).wf_run_id == "wf-7"


def test_the_first_event_tells_who_got_it_and_what_it_is_made_of() -> None:
    event = created(FOR_FINANCE).events.get()
    assert (event.number, event.type, event.actor) == (1, "created", ENGINE.user_id)
    assert event.data == {
        "user_id": None,
        "user_group": FINANCE,
        "user_task_def": {"name": "it-request", "version": 0},
    }


@pytest.mark.parametrize("user_id", [None, "", " ", "\t"])
@pytest.mark.parametrize("user_group", [None, "", " "])
def test_an_owner_is_needed_and_a_blank_one_is_refused(user_id: str | None, user_group: str | None) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        created(RunRequest("it-request", user_id=user_id, user_group=user_group))
    blank = {name for name, value in (("user_id", user_id), ("user_group", user_group)) if value is not None}
    assert refusal.value.faults.keys() == (blank or {"user_id", "user_group"})


def test_a_blank_group_beside_a_user_is_refused_as_well() -> None:
    with pytest.raises(InvalidArgument):
        created(RunRequest("it-request", user_id="alice", user_group=" "))


def test_the_newest_version_is_used_unless_one_is_named() -> None:
    a_definition(fields=[UserTaskField(name="other", type="BOOL")])
    assert created(FOR_FINANCE).user_task_def_version == 1
    assert created(replace(FOR_FINANCE, user_task_def_version=0)).user_task_def_version == 0


@pytest.mark.parametrize(("name", "version"), [("nothing", None), ("it-request", 1), ("it-request", -1), ("", None)])
def test_a_definition_that_is_not_there_is_not_found(name: str, version: int | None) -> None:
    with pytest.raises(NotFound):
        created(replace(FOR_FINANCE, user_task_def_name=name, user_task_def_version=version))


@pytest.mark.parametrize(("priority", "is_taken"), [(-1, False), (0, True), (100, True), (101, False), (2**40, False)])
def test_priority_is_from_0_to_100(priority: int, is_taken: bool) -> None:
    request = replace(FOR_FINANCE, priority=priority)
    if is_taken:
        assert created(request).priority == priority
    else:
        with pytest.raises(InvalidArgument) as refusal:
            created(request)
        assert refusal.value.faults["priority"][0].code == "out_of_range"


def test_only_holders_of_the_permission_create(alice: User, admin: User) -> None:
    with pytest.raises(NotAllowed):
        created(FOR_FINANCE, by=actor_for(alice))
    assert created(FOR_FINANCE, by=actor_for(admin)).version == 1


class TestOwnId:
    def test_it_is_the_id_of_the_run(self) -> None:
        assert created(replace(FOR_FINANCE, id=GUID)).id == GUID

    def test_the_same_request_again_finds_the_run(self) -> None:
        request = replace(FOR_FINANCE, id=GUID, due_at=datetime(2026, 12, 1, 10, tzinfo=UTC))
        first, again = create(request, by=ENGINE), create(request, by=ENGINE)
        assert (first.is_new, again.is_new) == (True, False)
        assert first.run == again.run
        assert UserTaskRun.objects.get().events.count() == 1

    def test_it_is_found_in_whatever_state_it_is_by_now(self, alice: User) -> None:
        request = replace(FOR_FINANCE, id=GUID)
        created(request)
        operations.claim(GUID, by=actor_for(alice))
        as_created = create(request, by=ENGINE).run
        as_it_is = create(request, by=replace(ENGINE, permissions=ENGINE.permissions | {"view_usertaskrun"})).run
        assert as_created is not None
        assert as_it_is is not None
        assert (as_created.id, as_created.user_id, as_created.status) == (GUID, None, "UNASSIGNED")
        assert (as_it_is.id, as_it_is.user_id, as_it_is.status) == (GUID, "alice", "ASSIGNED")

    def test_the_same_moment_in_another_offset_is_the_same_request(self) -> None:
        noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
        created(replace(FOR_FINANCE, id=GUID, due_at=noon))
        elsewhere = noon.astimezone(timezone(timedelta(hours=9)))
        assert not create(replace(FOR_FINANCE, id=GUID, due_at=elsewhere), by=ENGINE).is_new

    @pytest.mark.parametrize(
        "change",
        [
            {"user_id": "alice"},
            {"user_group": "it"},
            {"user_task_def_version": 0},
            {"wf_run_id": "wf-7"},
            {"notes": "urgent"},
            {"priority": 51},
            {"due_at": datetime(2026, 12, 1, tzinfo=UTC)},
            {"on_cancellation_exception_name": "gone"},
        ],
    )
    def test_another_request_with_it_is_refused(self, change: dict[str, object]) -> None:
        created(replace(FOR_FINANCE, id=GUID))
        with pytest.raises(AlreadyExists):
            created(replace(FOR_FINANCE, id=GUID, **change))  # type: ignore[arg-type]

    def test_another_caller_with_it_is_refused(self, service: User) -> None:
        created(replace(FOR_FINANCE, id=GUID))
        with pytest.raises(AlreadyExists):
            created(replace(FOR_FINANCE, id=GUID), by=actor_for(service))

    def test_a_repeat_finds_the_run_although_a_newer_version_was_put(self) -> None:
        created(replace(FOR_FINANCE, id=GUID))
        a_definition(fields=[])
        assert created(replace(FOR_FINANCE, id=GUID)).user_task_def_version == 0


def codes(requests: list[RunRequest], *, atomic: bool) -> list[str]:
    """What became of each: `new`, `there`, `-` (not tried), or the code of its refusal."""

    def word(refusal: Refused | None, run: UserTaskRun | None, is_new: bool) -> str:
        if refusal:
            return refusal.code
        return "-" if run is None else "new" if is_new else "there"

    return [word(c.refusal, c.run, c.is_new) for c in create_many(requests, by=ENGINE, atomic=atomic)]


class TestBatch:
    BAD = [replace(FOR_FINANCE, user_group=""), replace(FOR_FINANCE, user_task_def_name="nothing")]

    def test_all_are_created_in_order(self) -> None:
        creations = create_many([replace(FOR_FINANCE, notes=str(n)) for n in range(100)], by=ENGINE)
        assert [creation.run.notes for creation in creations if creation.run] == [str(n) for n in range(100)]
        assert UserTaskRun.objects.count() == 100

    def test_one_refusal_takes_all_back(self) -> None:
        assert codes([FOR_FINANCE, *self.BAD], atomic=True) == ["-", "invalid_argument", "not_found"]
        assert not UserTaskRun.objects.exists()

    def test_not_atomic_creates_the_others(self) -> None:
        answers = codes([FOR_FINANCE, *self.BAD, FOR_FINANCE], atomic=False)
        assert answers == ["new", "invalid_argument", "not_found", "new"]
        assert UserTaskRun.objects.count() == 2

    def test_the_same_request_twice_is_one_run(self) -> None:
        request = replace(FOR_FINANCE, id=GUID)
        assert codes([request, request], atomic=True) == ["new", "there"]
        assert UserTaskRun.objects.get().events.count() == 1

    def test_two_requests_for_one_id_conflict(self) -> None:
        request = replace(FOR_FINANCE, id=GUID)
        assert codes([request, replace(request, notes="x")], atomic=False) == ["new", "already_exists"]

    def test_again_it_finds_what_it_made(self) -> None:
        requests = [replace(FOR_FINANCE, id=uuid.UUID(int=n)) for n in range(3)]
        assert codes(requests, atomic=True) == ["new"] * 3
        assert codes(requests, atomic=True) == ["there"] * 3

    def test_a_dry_run_only_looks_for_refusals(self) -> None:
        creations = create_many([FOR_FINANCE, self.BAD[0]], by=ENGINE, is_dry_run=True)
        assert [bool(creation.refusal) for creation in creations] == [False, True]
        assert not UserTaskRun.objects.exists()

    def test_an_empty_one_creates_nothing(self) -> None:
        assert create_many([], by=ENGINE) == []
