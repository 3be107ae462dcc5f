"""Definitions: what a task asks. Immutable once written; a change is a new version."""

from __future__ import annotations

import re
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Left

from .. import json_text
from ..fieldtypes import FIELD_TYPES, NAMES

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
