"""What the page of a task says of the draft: when it was saved, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from usertasks.actors import Actor
from usertasks.by_key import find
from usertasks.controls import FileInput
from usertasks.models import Draft, DraftState, UserTaskField, UserTaskRun

from .typed import ANSWER


@dataclass(frozen=True)
class EarlierState:
    """`labels` name the fields in which it differs from the draft."""

    id: int
    saved_at: datetime
    labels: Sequence[str]


class DraftBox:
    """The draft of `by` for this run, asked for when the page is shown: by then a POST has written it."""

    def __init__(self, run: UserTaskRun, by: Actor, fields: Sequence[UserTaskField]) -> None:
        self.run, self.by, self.fields = run, by, fields

    def know(self, draft: Draft | None) -> None:
        """Nothing has written it since it was read."""
        self._draft = draft

    @cached_property
    def _draft(self) -> Draft | None:
        return find(Draft, run_id=self.run.id, user_id=self.by.user_id)

    @property
    def saved_at(self) -> datetime | None:
        return self._draft.saved_at if self._draft and self._draft.text else None

    @property
    def token(self) -> str:
        """What the page sends along to say which draft it knows of."""
        return self.saved_at.isoformat() if self.saved_at else ""

    @property
    def settled_page(self) -> str:
        """The open page from which it was saved last: what its browser still has of it is done with."""
        return self._draft.settled_page if self._draft else ""

    @cached_property
    def states(self) -> list[EarlierState]:
        """What can be brought back, the newest first."""
        return [self._earlier(self._draft, state) for state in self._draft.states.all()] if self._draft else []

    def _earlier(self, draft: Draft, state: DraftState) -> EarlierState:
        now, then = _plain(draft.inputs), _plain(state.inputs)
        changed = {name for name in {*now, *then} if now.get(name) != then.get(name)}
        return EarlierState(state.pk, state.saved_at, self._labels(changed))

    def _labels(self, inputs: set[str]) -> list[str]:
        """Fields in the order of the form, then comments."""
        names = {_field_of(name) for name in inputs if name.startswith(ANSWER)}
        labels = [field.display_name or field.name for field in self.fields if field.name in names]
        return labels + [_("Comment")] * any(not name.startswith(ANSWER) for name in inputs)


def _plain(inputs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Without what is empty: an input that is not there is as good as an empty one."""
    return {name: texts for name, texts in inputs.items() if any(texts)}


def _field_of(name: str) -> str:
    return name.removeprefix(ANSWER).removesuffix(FileInput.kept).removesuffix(FileInput.removed)
