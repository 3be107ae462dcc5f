"""Rows, their database constraints, and queries that read as phrases."""

from .audit import PurgedEvent, Refusal
from .changes import BulkChange
from .comments import UserTaskComment
from .counts import ClosedCount, OpenCount
from .definitions import UserTaskDef, UserTaskField
from .drafts import Draft, DraftState, Inputs, Upload
from .events import EventType, UserTaskEvent
from .feed import FeedHead
from .hooks import ArmedHook, Hook, HookAction, HookState, LapseReason
from .mails import Mail, MailChoice, MailKind, MailState
from .people import GroupLead, Substitution
from .personal import Preferences, SavedFilter, Snooze
from .runs import UserTaskRun
from .statuses import OPEN, TERMINAL, Status
from .tokens import ApiToken
from .webhooks import Delivery, DeliveryState, SwitchedOff, WebhookEndpoint

__all__ = [
    "OPEN",
    "TERMINAL",
    "ApiToken",
    "ArmedHook",
    "BulkChange",
    "ClosedCount",
    "Delivery",
    "DeliveryState",
    "Draft",
    "DraftState",
    "EventType",
    "FeedHead",
    "GroupLead",
    "Hook",
    "HookAction",
    "HookState",
    "Inputs",
    "LapseReason",
    "Mail",
    "MailChoice",
    "MailKind",
    "MailState",
    "OpenCount",
    "Preferences",
    "PurgedEvent",
    "Refusal",
    "SavedFilter",
    "Snooze",
    "Status",
    "Substitution",
    "SwitchedOff",
    "Upload",
    "UserTaskComment",
    "UserTaskDef",
    "UserTaskEvent",
    "UserTaskField",
    "UserTaskRun",
    "WebhookEndpoint",
]
