"""Every refusal of a change by gRPC is written down once, also where no operation was asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from littlehorse import model as lh

from tests.cast import a_run
from tests.rpc.clients import Client, id_of, refusal
from usertasks.errors import Refused
from usertasks.models import Refusal
from usertasks.rpc.interceptor import STATUSES
from usertasks.rpc.noting import VERBS
from usertasks.rpc.servicer import SERVED

READING = ("Get", "Search", "List", "Whoami")


def test_every_word_of_the_contract_has_its_status() -> None:
    codes = {kind.code for kind in Refused.__subclasses__() if kind.__module__ == Refused.__module__}
    assert codes == set(STATUSES)


def test_every_rpc_that_changes_something_has_its_verb() -> None:
    assert {name for name in SERVED if not name.startswith(READING)} == set(VERBS)


@pytest.mark.parametrize("name", sorted(VERBS))
def test_an_empty_request_is_noted_once(name: str, client_of: Callable[[User], Client], charlie: User) -> None:
    request = {"DeleteUserTaskDef": "DeleteUserTaskDefRequest", "PutUserTaskDef": "PutUserTaskDefRequest"}
    shape = getattr(lh, request.get(name, f"{name}Request"))
    _status, code = refusal(lambda: getattr(client_of(charlie), name)(shape()))
    noted = Refusal.objects.get()
    assert (noted.action, noted.code, noted.actor, noted.door) == (VERBS[name], code, "charlie", "grpc")


def test_a_run_under_the_wrong_workflow_is_noted_with_its_id(client: Client) -> None:
    run = a_run()
    wrong = id_of(run)
    wrong.wf_run_id.id = "another"
    assert (
        refusal(lambda: client.CancelUserTaskRun(lh.CancelUserTaskRunRequest(user_task_run_id=wrong)))[1] == "not_found"
    )
    assert [(noted.action, noted.run_id) for noted in Refusal.objects.all()] == [("cancel", run.id)]
