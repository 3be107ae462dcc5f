"""What a run can be, and which of these are open."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    UNASSIGNED = "UNASSIGNED", _("Unassigned")
    ASSIGNED = "ASSIGNED", _("Assigned")
    DONE = "DONE", _("Done")
    CANCELLED = "CANCELLED", _("Cancelled")


OPEN = frozenset({Status.UNASSIGNED, Status.ASSIGNED})
TERMINAL = frozenset({Status.DONE, Status.CANCELLED})
