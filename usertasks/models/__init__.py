"""Rows, their database constraints, and queries that read as phrases."""

from .changes import BulkChange
from .comments import UserTaskComment
from .definitions import UserTaskDef, UserTaskField
from .events import EventType, UserTaskEvent
from .runs import OPEN, TERMINAL, Status, UserTaskRun
from .tokens import ApiToken

__all__ = [
    "OPEN",
    "TERMINAL",
    "ApiToken",
    "BulkChange",
    "EventType",
    "Status",
    "UserTaskComment",
    "UserTaskDef",
    "UserTaskEvent",
    "UserTaskField",
    "UserTaskRun",
]
