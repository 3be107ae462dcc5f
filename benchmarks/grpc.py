"""How many calls a second LittleHorse's clients get answered, beside a servicer that answers from memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
from littlehorse import model as lh

from . import data
from .client import HOST
from .report import Table
from .servers import GRPC_THREADS, constant_grpc_server, grpc_server
from .stage import Stage, tell, token_of
from .timing import per_second

MANY = 16
LIMIT = 20
SECONDS_TO_ANSWER = 60
COLUMNS = ("call", "clients", "gRPC/s", "constant/s", "ratio")
NOTES = (
    f"Calls a second; the median of the rounds, in each of which both servers take turns. `serve_grpc` has "
    f"{GRPC_THREADS} threads; so has `constant`, whose servicer gives the same answer every time: what grpc, protobuf "
    f"and the client cost on this machine. Searches have a limit of {LIMIT}.",
)


class Client:
    """LittleHorse's stub on a connection of its own, with a token."""

    def __init__(self, port: int, token: str) -> None:
        # Without a pool of its own a channel shares the connection of another one to the same server.
        self.channel = grpc.insecure_channel(f"{HOST}:{port}", [("grpc.use_local_subchannel_pool", 1)])
        self.stub = lh.LittleHorseStub(self.channel)
        self.metadata = (("authorization", token),)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.channel.close()

    def call(self, name: str, request: Any) -> Any:
        return getattr(self.stub, name)(request, metadata=self.metadata, timeout=SECONDS_TO_ANSWER)


@dataclass(frozen=True)
class Call:
    """One RPC, who calls it, and requests for one round."""

    name: str
    username: str
    requests: Callable[[int], Sequence[Any]]

    def ask(self, client: Client, request: Any) -> None:
        client.call(self.name, request)


def measure(stage: Stage) -> Table:
    rows: list[tuple[Any, ...]] = []
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="usertasks-bench-grpc-"))
        port = stack.enter_context(grpc_server(folder))
        for call in _calls(stage):
            token = token_of(call.username)
            _keep_answer(call, port, token, Path(folder))
            with constant_grpc_server(folder) as constant_port:
                for clients in (1, MANY):
                    ours, constant = _rates(stage, call, (port, constant_port), clients, token)
                    rows.append((call.name, clients, ours, constant, constant / ours))
    return Table("gRPC", COLUMNS, rows, NOTES)


def _calls(stage: Stage) -> list[Call]:
    """The calls; each round of completions has runs of its own."""
    with stage.connect() as database:
        done = data.rows_of(
            database,
            "SELECT wf_run_id, id FROM usertasks_usertaskrun WHERE status = 'DONE' ORDER BY md5(id::text) LIMIT 50",
        )
    readable = [_identity(wf_run_id, guid.hex) for wf_run_id, guid in done]
    search = lh.SearchUserTaskRunRequest(status=lh.ASSIGNED, limit=LIMIT)

    def completions(count: int) -> list[Any]:
        with stage.connect() as database:
            return [_completion(guid) for guid in data.waiting_runs(database, count)]

    return [
        Call("GetUserTaskRun", data.MANAGER, lambda count: [readable[n % len(readable)] for n in range(count)]),
        Call("SearchUserTaskRun", data.MANAGER, lambda count: [search] * count),
        Call("CompleteUserTaskRun", data.WORKER, completions),
    ]


def _identity(wf_run_id: str, guid: str) -> Any:
    return lh.UserTaskRunId(wf_run_id=lh.WfRunId(id=wf_run_id), user_task_guid=guid)


def _completion(guid: str) -> Any:
    """`waiting_runs` names the workflow run as the run."""
    answers = {
        "reason": lh.VariableValue(str=data.ANSWERS["reason"]),
        "kind": lh.VariableValue(str=data.ANSWERS["kind"]),
        "amount": lh.VariableValue(int=data.ANSWERS["amount"]),
        "cost": lh.VariableValue(double=data.ANSWERS["cost"]),
        "urgent": lh.VariableValue(bool=data.ANSWERS["urgent"]),
    }
    return lh.CompleteUserTaskRunRequest(
        user_task_run_id=_identity(guid, guid), user_id=data.WORKER, results=answers
    )  # fmt: skip


def _keep_answer(call: Call, port: int, token: str, folder: Path) -> None:
    """What the constant servicer is to answer."""
    with Client(port, token) as client:
        (request,) = call.requests(1)
        (folder / call.name).write_bytes(client.call(call.name, request).SerializeToString())


def _rates(stage: Stage, call: Call, ports: tuple[int, int], clients: int, token: str) -> tuple[float, float]:
    """Calls a second of the real server and of the constant one."""
    rounds: list[tuple[float, float]] = []
    with ExitStack() as stack:
        ours, constant = (
            [stack.enter_context(Client(port, token)) for _ in range(clients)] for port in ports
        )  # fmt: skip
        for client in (*ours, *constant):
            grpc.channel_ready_future(client.channel).result(SECONDS_TO_ANSWER)
        for number in range(stage.options.rounds):
            tell(f"grpc: {call.name}, {clients} at a time, round {number + 1} of {stage.options.rounds}")
            requests = call.requests(stage.options.operations)
            rounds.append(_one_round(call, ours, constant, requests, is_ours_first=number % 2 == 0))
    return statistics.median(real for real, _ in rounds), statistics.median(limit for _, limit in rounds)


def _one_round(
    call: Call, ours: list[Client], constant: list[Client], requests: Sequence[Any], *, is_ours_first: bool
) -> tuple[float, float]:
    """The same requests for both."""
    if is_ours_first:
        rate = per_second(ours, requests, call.ask)
        return rate, per_second(constant, requests, call.ask)
    limit = per_second(constant, requests, call.ask)
    return per_second(ours, requests, call.ask), limit
