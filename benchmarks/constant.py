"""`python -m benchmarks.constant FOLDER THREADS`: a gRPC server that answers each RPC with the message in FOLDER that
has its name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh

from .client import HOST

ANSWERS: dict[str, Any] = {
    "GetUserTaskRun": lh.UserTaskRun,
    "SearchUserTaskRun": lh.UserTaskRunIdList,
    "CompleteUserTaskRun": Empty,
}


def main(folder: Path, threads: int) -> None:
    servicer = lh.LittleHorseServicer()
    for name, kind in ANSWERS.items():
        if (folder / name).exists():
            setattr(servicer, name, _always(kind.FromString((folder / name).read_bytes())))
    server = grpc.server(ThreadPoolExecutor(threads))
    lh.add_LittleHorseServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    print(f"gRPC on {HOST}:{port}", flush=True)
    server.wait_for_termination()


def _always(answer: Any) -> Callable[[Any, Any], Any]:
    return lambda request, context: answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
