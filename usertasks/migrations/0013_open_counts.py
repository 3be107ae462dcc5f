"""PostgreSQL counts the open runs too, by the day on which they are due, for whoever sees all of them.

As with what has ended, triggers count, whoever writes to the database. They look at the status and the due date alone:
who has a run, and what is in it, changes no count. Where a later migration or a bulk load does without them, it fills
the table again, as this one does.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Q

RUNS, COUNTS = "usertasks_usertaskrun", "usertasks_opencount"
LOCK = "pg_advisory_xact_lock(hashtext('usertasks_closedcount'))"
"""Of whoever makes totals of changes, for both tables of counts: `totals.py` takes the same."""

IS_OPEN = "status IN ('UNASSIGNED', 'ASSIGNED')"
DAY = "(coalesce({row}.due_at, '9999-12-31 00:00:00+00:00') AT TIME ZONE 'UTC')::date"
OLD_DAY, NEW_DAY = (DAY.format(row=row) for row in ("OLD", "NEW"))
IS_COUNTED_ANEW = f"(OLD.{IS_OPEN}) <> (NEW.{IS_OPEN}) OR OLD.due_at IS DISTINCT FROM NEW.due_at"
"""Short, because every claim asks it: PostgreSQL reads it anew for each statement, and that takes most of the time."""
COLUMNS = "due_day, is_total, runs"

# A batch writes a row for each day, and not for each run.
BEGIN = f"""
CREATE FUNCTION usertasks_count_begun() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {COUNTS} ({COLUMNS}) SELECT {DAY.format(row="begun")} AS day, false, count(*) FROM begun
    WHERE begun.{IS_OPEN} GROUP BY day;
    RETURN NULL;
END $$
"""  # nosec B608 # names of tables and columns

CHANGE = f"""
CREATE FUNCTION usertasks_count_open() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF OLD.{IS_OPEN} THEN
        INSERT INTO {COUNTS} ({COLUMNS}) VALUES ({OLD_DAY}, false, -1);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.{IS_OPEN} THEN
        INSERT INTO {COUNTS} ({COLUMNS}) VALUES ({NEW_DAY}, false, 1);
    END IF;
    RETURN NULL;
END $$
"""  # nosec B608 # names of tables and columns

# A total that somebody is just making would not be seen, and would stay.
FORGET = f"""
CREATE FUNCTION usertasks_forget_open() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM {LOCK};
    DELETE FROM {COUNTS};
    RETURN NULL;
END $$
"""  # nosec B608 # names of tables and columns

TRIGGERS = {
    "open_insert": f"AFTER INSERT ON {RUNS} REFERENCING NEW TABLE AS begun FOR EACH STATEMENT "
    "EXECUTE FUNCTION usertasks_count_begun()",
    "open_update": f"AFTER UPDATE OF status, due_at ON {RUNS} FOR EACH ROW WHEN ({IS_COUNTED_ANEW}) "
    "EXECUTE FUNCTION usertasks_count_open()",
    "open_delete": f"AFTER DELETE ON {RUNS} FOR EACH ROW WHEN (OLD.{IS_OPEN}) EXECUTE FUNCTION usertasks_count_open()",
    "open_truncate": f"AFTER TRUNCATE ON {RUNS} FOR EACH STATEMENT EXECUTE FUNCTION usertasks_forget_open()",
}

FILL = (
    f"INSERT INTO {COUNTS} ({COLUMNS}) SELECT {DAY.format(row='run')} AS day, true, count(*) FROM {RUNS} run "
    f"WHERE run.{IS_OPEN} GROUP BY day",  # nosec B608 # names of tables and columns
    f"ANALYZE {COUNTS}",
)


def start(apps: Any, schema_editor: Any) -> None:
    """Whoever writes a run meanwhile waits, and is counted by the triggers."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(f"LOCK TABLE {RUNS} IN SHARE ROW EXCLUSIVE MODE")
    triggers = (f"CREATE TRIGGER {RUNS}_{name} {what}" for name, what in TRIGGERS.items())
    for statement in (BEGIN, CHANGE, FORGET, *triggers, *FILL):
        schema_editor.execute(statement)


def stop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for name in TRIGGERS:
        schema_editor.execute(f"DROP TRIGGER {RUNS}_{name} ON {RUNS}")
    for function in ("count_begun", "count_open", "forget_open"):
        schema_editor.execute(f"DROP FUNCTION usertasks_{function}()")


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0012_closed_counts"),
    ]

    operations = [
        migrations.CreateModel(
            name="OpenCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_day", models.DateField(verbose_name="due")),
                ("is_total", models.BooleanField(verbose_name="total")),
                ("runs", models.IntegerField()),
            ],
            options={
                "verbose_name": "count of open runs",
                "verbose_name_plural": "counts of open runs",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["due_day"], condition=Q(is_total=True), name="open_count_one_total"
                    ),
                ],
            },
        ),
        migrations.RunPython(start, stop),
    ]
