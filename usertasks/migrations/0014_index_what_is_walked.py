"""The indexes of every order know what is overdue; those of urgency, and one of all open runs, answer alone."""

from datetime import UTC, datetime

from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

DUE_OR_NEVER = Coalesce("due_at", Value(datetime(9999, 12, 31, tzinfo=UTC), models.DateTimeField()))
NEWEST = (F("scheduled_time").desc(), F("id").desc(), F("due_at"))
URGENT = (-1 * F("priority"), DUE_OR_NEVER, F("id"))
WALKED = (F("due_at"), F("scheduled_time"), F("user_task_def_name"), F("priority"))
OPEN = Q(status__in=["UNASSIGNED", "ASSIGNED"])
ASSIGNED, UNASSIGNED = Q(status="ASSIGNED"), Q(status="UNASSIGNED")

INDEXES = [
    models.Index(F("status"), *NEWEST, name="run_status"),
    models.Index(F("user_task_def_name"), F("status"), *NEWEST, name="run_def_status"),
    models.Index(F("user_id"), F("status"), *NEWEST, name="run_user_status"),
    models.Index(F("user_group"), F("status"), *NEWEST, name="run_group_status"),
    models.Index(F("user_task_def_name"), F("user_id"), F("status"), *NEWEST, name="run_def_user_status"),
    models.Index(F("user_task_def_name"), F("user_group"), F("status"), *NEWEST, name="run_def_group_status"),
    models.Index(F("user_id"), F("user_group"), F("status"), *NEWEST, name="run_user_group_status"),
    models.Index(
        F("user_task_def_name"), F("user_id"), F("user_group"), F("status"), *NEWEST, name="run_def_user_group_status"
    ),
    models.Index(F("wf_run_id"), *NEWEST, name="run_wf_run"),
    models.Index(F("user_id"), *URGENT, *WALKED, F("user_group"), condition=ASSIGNED, name="run_mine_urgent"),
    models.Index(F("user_group"), *URGENT, *WALKED, condition=UNASSIGNED, name="run_waiting_urgent"),
    models.Index(F("user_group"), *URGENT, *WALKED, F("user_id"), condition=ASSIGNED, name="run_ours_urgent"),
    models.Index(*URGENT, *WALKED, F("status"), condition=OPEN, name="run_open_urgent"),
    models.Index(
        DUE_OR_NEVER, F("id"), *WALKED[:3], F("status"), F("user_task_def_version"), condition=OPEN, name="run_open_due"
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0013_open_counts"),
    ]

    operations = [
        *(migrations.RemoveIndex(model_name="usertaskrun", name=index.name) for index in INDEXES),
        *(migrations.AddIndex(model_name="usertaskrun", index=index) for index in INDEXES),
    ]
