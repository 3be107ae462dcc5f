"""What a new version of a definition would change against an older one: a comparison of the two, in words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from .. import json_text
from ..controls import pretty

LABELS: Mapping[str, Any] = {
    "type": _("type"),
    "display_name": _("display name"),
    "description": _("description"),
    "required": _("required"),
}
"""Part of a field → what people call it; of `validation` and `presentation` each key is a part of its own."""

OPEN_ENDED = ("validation", "presentation")
NOTHING = _("nothing")


@dataclass(frozen=True)
class Design:
    """What a version says: fields as `UserTaskField.content` tells them, in their order, and timers as sentences."""

    description: str
    fields: Sequence[Mapping[str, Any]]
    timers: Sequence[str]


@dataclass(frozen=True)
class PartChange:
    """A part that differs, with what it was and becomes, in words."""

    part: str
    was: str
    becomes: str


@dataclass(frozen=True)
class FieldChange:
    """A field that stays, and what becomes of it. `was_at` and `comes_to` are its places from 1, where it moves."""

    name: str
    parts: Sequence[PartChange] = ()
    was_at: int | None = None
    comes_to: int | None = None


@dataclass(frozen=True)
class DefinitionChanges:
    """What differs: names of fields in their order, fields that stay and change, and what is no matter of a field."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[FieldChange]
    parts: Sequence[PartChange]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.parts)


def changes_between(old: Design, new: Design) -> DefinitionChanges:
    """What becomes of `old` where `new` takes its place. A field is known by its name: a new name is a new field."""
    before = {field["name"]: (place, field) for place, field in enumerate(old.fields, start=1)}
    after = {field["name"]: (place, field) for place, field in enumerate(new.fields, start=1)}
    staying = [name for name in after if name in before]
    moved = moved_among([before[name][0] for name in staying])
    changes = []
    for index, name in enumerate(staying):
        (was_at, was), (comes_to, becomes) = before[name], after[name]
        places = (was_at, comes_to) if index in moved else (None, None)
        changes.append(FieldChange(name, _parts_between(_parts_of(was), _parts_of(becomes)), *places))
    return DefinitionChanges(
        added=[name for name in after if name not in before],
        removed=[name for name in before if name not in after],
        changed=[change for change in changes if change.parts or change.was_at is not None],
        parts=_parts_between(_own_parts(old), _own_parts(new)),
    )


def moved_among(places: Sequence[int]) -> set[int]:
    """The fewest positions of `places` that have to move for the others to rise: all but a longest rising run."""
    ends: list[int] = []  # of the best run of each length, the index it ends at
    before: list[int | None] = []
    for index, place in enumerate(places):
        length = bisect_left(ends, place, key=places.__getitem__)
        before.append(ends[length - 1] if length else None)
        ends[length : length + 1] = [index]
    staying: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        staying.add(last)
        last = before[last]
    return set(range(len(places))) - staying


def _parts_of(field: Mapping[str, Any]) -> dict[str, Any]:
    parts = {str(label): field[part] for part, label in LABELS.items()}
    for part in OPEN_ENDED:
        parts |= {f"{part}: {key}": value for key, value in field[part].items()}
    return parts


def _own_parts(design: Design) -> dict[str, Any]:
    return {str(_("description")): design.description, str(_("timers")): "\n".join(design.timers)}


def _parts_between(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> list[PartChange]:
    names = [*was, *(name for name in becomes if name not in was)]
    return [
        PartChange(name, _in_words(was.get(name)), _in_words(becomes.get(name)))
        for name in names
        if not _is_same(was, becomes, name)
    ]


def _is_same(was: Mapping[str, Any], becomes: Mapping[str, Any], name: str) -> bool:
    if (name in was) != (name in becomes):
        return False
    return json_text.canonical(was[name]) == json_text.canonical(becomes[name])


def _in_words(value: Any) -> str:
    match value:
        case None | "":
            return str(NOTHING)
        case bool():
            return str(_("yes") if value else _("no"))
        case str():
            return value
        case list() if value and all(isinstance(item, str | int | float) for item in value):
            return ", ".join(map(str, value))
        case _:
            return pretty(value)
