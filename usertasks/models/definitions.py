"""Definitions: what a task asks. Immutable once written; a change is a new version.

What never changes is asked of the database once: `fields_of` and `read_fields` know the fields of what was used last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Left

from .. import json_text
from ..fieldtypes import FIELD_TYPES, NAMES
from ..remembered import Remembered

MAX_NAME = 200
NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?")
MAX_FIELDS = 500
NO_ACTIONS = models.Value([], models.JSONField())
MAX_VERSION = 2**31 - 1
"""What the column can hold."""


class UserTaskDefQuerySet(models.QuerySet["UserTaskDef"]):
    def named(self, name: str) -> UserTaskDefQuerySet:
        """Every version of one definition."""
        return self.filter(name=name)

    def with_prefix(self, prefix: str) -> UserTaskDefQuerySet:
        """The definitions whose names begin with exactly this; SQLite's LIKE alone does not mind the case."""
        return self.filter(name__startswith=prefix).alias(head=Left("name", len(prefix))).filter(head=prefix)

    def newest(self) -> UserTaskDefQuerySet:
        """Of each name only the newest version."""
        newer = UserTaskDef.objects.filter(name=OuterRef("name"), version__gt=OuterRef("version"))
        return self.filter(~Exists(newer))

    def newest_first(self) -> UserTaskDefQuerySet:
        """The versions of one name from the newest on."""
        return self.order_by("-version")


class UserTaskDef(models.Model):
    """One version of a form that people fill in."""

    name = models.CharField(max_length=MAX_NAME)
    version = models.PositiveIntegerField()
    description = models.TextField(blank=True, default="")
    actions = models.JSONField(decoder=json_text.Decoder, default=list, db_default=NO_ACTIONS, blank=True)
    """What a run does by itself that names no actions of its own."""
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserTaskDefQuerySet.as_manager()

    class Meta:
        verbose_name = "definition"
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="definition_version_once"),
            models.CheckConstraint(condition=Q(version__gte=0), name="definition_version_from_0"),
            models.CheckConstraint(condition=~Q(name=""), name="definition_has_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class UserTaskField(models.Model):
    """One question of a definition.

    `validation` says what an answer may be, `presentation` how the form asks: kept apart, so that one data contract can
    have several form designs.
    """

    definition = models.ForeignKey(UserTaskDef, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=MAX_NAME)
    type = models.CharField(max_length=10, choices=NAMES)
    display_name = models.CharField(max_length=MAX_NAME, blank=True, default="")
    description = models.TextField(blank=True, default="")
    required = models.BooleanField(default=True)
    validation = models.JSONField(decoder=json_text.Decoder, blank=True, default=dict)
    presentation = models.JSONField(decoder=json_text.Decoder, blank=True, default=dict)

    class Meta:
        verbose_name = "field"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["definition", "name"], name="field_name_once"),
            models.UniqueConstraint(fields=["definition", "position"], name="field_position_once"),
            models.CheckConstraint(condition=~Q(name=""), name="field_has_name"),
            models.CheckConstraint(condition=Q(type__in=list(FIELD_TYPES)), name="field_type_known"),
        ]

    def __str__(self) -> str:
        return self.display_name or self.name

    def content(self) -> dict[str, Any]:
        """What two equal fields have in common; also how a field is told to the outside."""
        return {
            "name": self.name,
            "type": self.type,
            "display_name": self.display_name,
            "description": self.description,
            "required": self.required,
            "validation": self.validation,
            "presentation": self.presentation,
        }


type Written = tuple[int, str, int]
"""The id, the name and the version of a definition: an id alone might be used again where a database was restored."""

type Row = tuple[Any, ...]

COLUMNS = tuple(field.attname for field in UserTaskField._meta.concrete_fields)


class KnownFields:
    """The fields of the definitions that were used last, for every thread of the process.

    What it gives are rows that belong to whoever asks: what becomes of them does not come back to it.
    """

    def __init__(self, most: int) -> None:
        self._rows: Remembered[Written, tuple[Row, ...]] = Remembered(most)

    def get(self, written: Written) -> list[UserTaskField] | None:
        """The fields of a definition in their order, or None where they are not known."""
        if (rows := self._rows.get(written)) is None:
            return None
        return [UserTaskField.from_db(None, COLUMNS, _own(row)) for row in rows]

    def keep(self, written: Written, rows: Sequence[Row]) -> None:
        self._rows.keep(written, tuple(rows))

    def forget(self) -> None:
        self._rows.forget()


KNOWN_FIELDS = KnownFields(most=1000)


def fields_of(written: Written) -> list[UserTaskField]:
    """The fields of a definition, in their order; asked of the database once."""
    if (known := KNOWN_FIELDS.get(written)) is not None:
        return known
    return read_fields([written])[written]


def read_fields(asked: Iterable[Written]) -> dict[Written, list[UserTaskField]]:
    """The fields of many definitions, in one query at most."""
    found = {written: KNOWN_FIELDS.get(written) for written in set(asked)}
    if missing := [written for written, fields in found.items() if fields is None]:
        rows: dict[Written, list[Row]] = {written: [] for written in missing}
        names = ("definition_id", "definition__name", "definition__version")
        of_these = UserTaskField.objects.filter(definition__in=[written[0] for written in missing])
        for row in of_these.order_by("position").values_list(*names, *COLUMNS):
            if row[:3] in rows:
                rows[row[:3]].append(row[3:])
        for written in missing:
            found[written] = [UserTaskField.from_db(None, COLUMNS, _own(row)) for row in rows[written]]
            if rows[written]:
                KNOWN_FIELDS.keep(written, rows[written])
    return {written: fields or [] for written, fields in found.items()}


def _own(row: Row) -> Row:
    """The same row with JSON of its own."""
    return tuple(deepcopy(value) if isinstance(value, dict) else value for value in row)
