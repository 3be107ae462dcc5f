"""What is overdue is counted from an index alone; two indexes that others stand in for go."""

from datetime import UTC, datetime

from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

DUE_OR_NEVER = Coalesce("due_at", Value(datetime(9999, 12, 31, tzinfo=UTC), models.DateTimeField()))
LATE = (DUE_OR_NEVER, F("id"), F("due_at"), F("scheduled_time"), F("user_task_def_name"))
OPEN = Q(status__in=["UNASSIGNED", "ASSIGNED"])
ASSIGNED, UNASSIGNED = Q(status="ASSIGNED"), Q(status="UNASSIGNED")

INDEXES = [
    models.Index(F("user_id"), *LATE, F("user_group"), condition=ASSIGNED, name="run_mine_due"),
    models.Index(F("user_group"), *LATE, condition=UNASSIGNED, name="run_waiting_due"),
    models.Index(F("user_group"), *LATE, F("user_id"), condition=ASSIGNED, name="run_ours_due"),
    models.Index(*LATE, F("status"), condition=OPEN, name="run_open_due"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0010_bulk_results"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="usertaskrun", name="run_user"),
        migrations.RemoveIndex(model_name="usertaskrun", name="run_group"),
        *(migrations.RemoveIndex(model_name="usertaskrun", name=index.name) for index in INDEXES),
        *(migrations.AddIndex(model_name="usertaskrun", index=index) for index in INDEXES),
    ]
