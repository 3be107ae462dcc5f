"""The audit: what happened and what was refused gets its place in the chains, is verified, and is handed out.

Three chains hold each other: the events of a run, all published events in the order of the feed, and the refusals. A
changed row breaks its own link, a missing one leaves a gap that only a seal of a lawful deletion explains.
"""

from .findings import Finding, Report
from .histories import CHANGING, followed, is_intact
from .positions import is_refusal_intact
from .records import FORMATS, Selection, records_of, written
from .rows import events_of
from .sealing import seal
from .verification import UnknownRun, ends_of, rows_to_read, verify

__all__ = [
    "CHANGING",
    "FORMATS",
    "Finding",
    "Report",
    "Selection",
    "UnknownRun",
    "ends_of",
    "events_of",
    "followed",
    "is_intact",
    "is_refusal_intact",
    "records_of",
    "rows_to_read",
    "seal",
    "verify",
    "written",
]
