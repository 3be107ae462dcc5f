"""Whose answer stays, where somebody else has answered since a page was opened.

Both began with the answers of that time. What only one of them has changed stays as they have made it; what both
changed differently is contested until somebody chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict

from usertasks.forms import TaskForm
from usertasks.models import UserTaskField, UserTaskRun

from .changes import Changes
from .typed import THEIRS, Typed


@dataclass(frozen=True)
class Contest:
    """Names of fields. `choices` says whose answer stays in a contested one; `as_typed` is the form as it was sent."""

    theirs: frozenset[str] = frozenset()
    """What they have changed."""
    mine: frozenset[str] = frozenset()
    """What I have changed."""
    contested: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)
    has_been_asked: bool = False
    """Whether the contest, as it is now, was shown to whoever sends this."""
    as_typed: TaskForm | None = None

    @classmethod
    def of(
        cls,
        fields: Sequence[UserTaskField],
        changes: Changes,
        run: UserTaskRun,
        typed: Typed | None,
        files: MultiValueDict[str, UploadedFile[Any]] | None,
    ) -> Contest:
        """What was typed into a page that was opened at an older version of the run, beside what was saved since."""
        before, now = changes.results, run.results
        theirs = frozenset(field.name for field in fields if before.get(field.name) != now.get(field.name))
        if not theirs or typed is None or not (typed.has_answers or files):
            return cls(theirs)
        as_typed = TaskForm(fields, before, typed.form_data, files)
        mine = frozenset(as_typed.changed_data)
        differs = frozenset(TaskForm(fields, now, typed.form_data, files).changed_data)
        is_up_to_date = typed.seen == run.version
        choices = typed.choices if is_up_to_date else {}
        return cls(theirs, mine, theirs & mine & differs, choices, is_up_to_date, as_typed)

    @property
    def kept(self) -> frozenset[str]:
        """The fields whose stored answers stay."""
        chosen = frozenset(name for name in self.contested if self.choices.get(name) == THEIRS)
        return (self.theirs - self.mine if self.as_typed else frozenset()) | chosen

    @property
    def is_settled(self) -> bool:
        """Whether what was typed is what was saved since: it was sent twice, or both had the same idea."""
        return self.as_typed is not None and not (self.contested or self.theirs - self.mine or self.mine - self.theirs)

    @property
    def is_open(self) -> bool:
        """Whether somebody has to choose, or at least to see what happened, before answers are sent."""
        return bool(self.theirs) and not (self.has_been_asked and self.contested <= set(self.choices))
