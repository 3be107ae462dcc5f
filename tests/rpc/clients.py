"""LittleHorse's stub as the tests use it, and what its messages are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from littlehorse import model as lh

from usertasks.models import UserTaskRun
from usertasks.rpc.interceptor import CODE_KEY

PATIENCE = 30
"""Seconds after which a call counts as lost."""


class Client:
    """LittleHorse's stub with a token: `client.Whoami(Empty())`."""

    def __init__(self, channel: grpc.Channel, token: str | None) -> None:
        self._stub = lh.LittleHorseStub(channel)
        self._metadata = (("authorization", token),) if token else ()

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        return lambda request: getattr(self._stub, name)(request, metadata=self._metadata, timeout=PATIENCE)


def refusal(call: Callable[[], Any]) -> tuple[str, str | None]:
    """The status and the word of the contract with which a call is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    words = dict(caught.value.trailing_metadata() or ())
    return caught.value.code().name, words.get(CODE_KEY)


def id_of(run: UserTaskRun) -> Any:
    return lh.UserTaskRunId(wf_run_id=lh.WfRunId(id=run.wf_run_id), user_task_guid=run.id.hex)


def text(value: str) -> Any:
    return lh.VariableValue(str=value)


ANSWERS = {"requestedItem": text("lightsaber"), "justification": text("lost the old one")}
