"""What a purchase knows: the fields of the benchmark's definitions, in the JSON of Viewflow's own process row.

A proxy model with `jsonstore` fields is the way of Viewflow's quick start; it needs no join.
"""

# mypy: ignore-errors
from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from viewflow import jsonstore
from viewflow.workflow.models import Process


class Kind(models.TextChoices):
    HARDWARE = "hardware"
    SOFTWARE = "software"
    TRAVEL = "travel"


class Purchase(Process):
    department = jsonstore.CharField(max_length=150)
    assignee = jsonstore.CharField(max_length=150, blank=True)

    reason = jsonstore.CharField(max_length=500)
    kind = jsonstore.CharField(max_length=20, choices=Kind.choices)
    amount = jsonstore.IntegerField(validators=[MinValueValidator(1), MaxValueValidator(1000)])
    cost = jsonstore.FloatField(null=True, blank=True)
    urgent = jsonstore.BooleanField(default=False)
    needed_by = jsonstore.DateTimeField(null=True, blank=True)

    class Meta:
        proxy = True
