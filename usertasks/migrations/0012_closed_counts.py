"""PostgreSQL counts the runs that have ended while they end, so that nobody has to read them to know how many there are.

It is triggers that count, whoever writes to the database. Where a later migration or a bulk load does without them, it
fills the table again, as this one does.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

RUNS, COUNTS = "usertasks_usertaskrun", "usertasks_closedcount"
LOCK = f"pg_advisory_xact_lock(hashtext('{COUNTS}'))"
"""Of whoever makes totals of changes: `closed_counts.py` takes the same."""

OLD_ENDED, NEW_ENDED = (f"{row}.status IN ('DONE', 'CANCELLED')" for row in ("OLD", "NEW"))
IS_COUNTED_ANEW = (
    f"({OLD_ENDED} OR {NEW_ENDED}) AND "
    "(OLD.status, OLD.user_id, OLD.user_group) IS DISTINCT FROM (NEW.status, NEW.user_id, NEW.user_group)"
)
COLUMNS = "kind, status, user_id, user_group, runs"

COUNT = f"""
CREATE FUNCTION usertasks_count_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' AND {OLD_ENDED} THEN
        INSERT INTO {COUNTS} ({COLUMNS}) VALUES ('change', OLD.status, OLD.user_id, OLD.user_group, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND {NEW_ENDED} THEN
        INSERT INTO {COUNTS} ({COLUMNS}) VALUES ('change', NEW.status, NEW.user_id, NEW.user_group, 1);
    END IF;
    RETURN NULL;
END $$
"""  # nosec B608 # names of tables and columns

# A total that somebody is just making would not be seen, and would stay.
FORGET = f"""
CREATE FUNCTION usertasks_forget_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM {LOCK};
    DELETE FROM {COUNTS};
    RETURN NULL;
END $$
"""  # nosec B608 # names of tables and columns

TRIGGERS = {
    "counted_insert": f"AFTER INSERT ON {RUNS} FOR EACH ROW WHEN ({NEW_ENDED}) EXECUTE FUNCTION usertasks_count_ended()",
    "counted_update": f"AFTER UPDATE ON {RUNS} FOR EACH ROW WHEN ({IS_COUNTED_ANEW}) "
    "EXECUTE FUNCTION usertasks_count_ended()",
    "counted_delete": f"AFTER DELETE ON {RUNS} FOR EACH ROW WHEN ({OLD_ENDED}) EXECUTE FUNCTION usertasks_count_ended()",
    "counted_truncate": f"AFTER TRUNCATE ON {RUNS} FOR EACH STATEMENT EXECUTE FUNCTION usertasks_forget_ended()",
}

FILL = (
    f"INSERT INTO {COUNTS} ({COLUMNS}) SELECT 'person', status, user_id, user_group, count(*) FROM {RUNS} "
    "WHERE status IN ('DONE', 'CANCELLED') AND user_id IS NOT NULL GROUP BY status, user_id, user_group",  # nosec B608 # names of tables and columns
    f"INSERT INTO {COUNTS} ({COLUMNS}) SELECT 'group', status, NULL, user_group, count(*) FROM {RUNS} "
    "WHERE status IN ('DONE', 'CANCELLED') GROUP BY status, user_group",  # nosec B608 # names of tables and columns
    f"ANALYZE {COUNTS}",
)


def start(apps: Any, schema_editor: Any) -> None:
    """Whoever ends a run meanwhile waits, and is counted by the triggers."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(f"LOCK TABLE {RUNS} IN SHARE ROW EXCLUSIVE MODE")
    for statement in (COUNT, FORGET, *(f"CREATE TRIGGER {RUNS}_{name} {what}" for name, what in TRIGGERS.items())):
        schema_editor.execute(statement)
    for statement in FILL:
        schema_editor.execute(statement)


def stop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for name in TRIGGERS:
        schema_editor.execute(f"DROP TRIGGER {RUNS}_{name} ON {RUNS}")
    for function in ("count", "forget"):
        schema_editor.execute(f"DROP FUNCTION usertasks_{function}_ended()")


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0011_index_what_is_counted"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClosedCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=6)),
                ("status", models.CharField(max_length=10)),
                ("user_id", models.CharField(max_length=255, null=True, verbose_name="user")),
                ("user_group", models.CharField(max_length=255, null=True, verbose_name="group")),
                ("runs", models.IntegerField()),
            ],
            options={
                "verbose_name": "count of ended runs",
                "verbose_name_plural": "counts of ended runs",
                "indexes": [
                    models.Index(
                        fields=["user_id", "user_group", "status", "runs"],
                        condition=Q(kind__in=("change", "person")),
                        name="closed_count_of_people",
                    ),
                    models.Index(
                        fields=["user_group", "status", "runs"],
                        condition=Q(kind__in=("change", "group")),
                        name="closed_count_of_groups",
                    ),
                    models.Index(fields=["id"], condition=Q(runs=0), name="closed_count_nothing"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        F("kind"),
                        F("status"),
                        Coalesce("user_id", Value("")),
                        Coalesce("user_group", Value("")),
                        condition=Q(kind__in=("group", "person")),
                        name="closed_count_one_total",
                    ),
                ],
            },
        ),
        migrations.RunPython(start, stop),
    ]
