"""Our people and tasks in Viewflow's tables, in the shape that Viewflow itself writes, made inside PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import psycopg

FLOW = "purchases/flows.PurchaseFlow"

# People and groups keep their numbers.
COPIES: Sequence[tuple[LiteralString, LiteralString]] = (
    (
        "COPY auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff, is_active,"
        " date_joined) TO STDOUT",
        "COPY auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff, is_active,"
        " date_joined) FROM STDIN",
    ),
    ("COPY auth_group (id, name) TO STDOUT", "COPY auth_group (id, name) FROM STDIN"),
    (
        "COPY auth_user_groups (id, user_id, group_id) TO STDOUT",
        "COPY auth_user_groups (id, user_id, group_id) FROM STDIN",
    ),
    (
        "COPY (SELECT row_number() OVER (ORDER BY scheduled_time, id), user_id, user_group, status, results,"
        " scheduled_time, completed_at FROM usertasks_usertaskrun ORDER BY scheduled_time, id) TO STDOUT",
        "COPY run (n, user_id, user_group, status, results, began, ended) FROM STDIN",
    ),
)

STAGING: LiteralString = """
CREATE TEMPORARY TABLE run (
    n bigint, user_id text, user_group text, status text, results jsonb, began timestamptz, ended timestamptz)
"""

# Each department's own permission, and that to see purchases, which all departments have.
PERMISSIONS: Sequence[LiteralString] = (
    """
    INSERT INTO auth_permission (name, content_type_id, codename)
    SELECT 'Work of ' || g.name, c.id, 'work_of_' || g.name
    FROM auth_group g, django_content_type c WHERE c.app_label = 'purchases' AND c.model = 'purchase'
    """,
    """
    INSERT INTO auth_group_permissions (group_id, permission_id)
    SELECT g.id, p.id FROM auth_group g JOIN auth_permission p ON p.codename IN ('work_of_' || g.name, 'view_purchase')
    """,
)

PROCESSES: LiteralString = f"""
INSERT INTO viewflow_process (id, flow_class, status, created, finished, data)
SELECT n, '{FLOW}', CASE status WHEN 'DONE' THEN 'DONE' WHEN 'CANCELLED' THEN 'CANCELED' ELSE 'NEW' END, began,
    CASE status WHEN 'DONE' THEN ended WHEN 'CANCELLED' THEN began + interval '4 hours' END,
    jsonb_strip_nulls(jsonb_build_object('department', user_group))
        || CASE status WHEN 'DONE' THEN results || '{{"needed_by": null}}' ELSE '{{}}' END
FROM run ORDER BY n
"""

# Up to three tasks of a process stand together, as time made them: 3 n - 2, 3 n - 1 and 3 n.
TASKS: LiteralString = f"""
INSERT INTO viewflow_task
    (id, process_id, flow_task, flow_task_type, status, created, started, finished, token, owner_id, owner_permission,
     data)
SELECT 3 * n - 3 + place, n, '{FLOW}.' || task, type, task_status, task_created, task_started, task_finished, 'start',
    task_owner, permission, '{{}}'
FROM run LEFT JOIN auth_user u ON u.username = run.user_id, auth_user service, LATERAL (VALUES
    (1, 'start', 'HUMAN_START', 'DONE', began, began, began, service.id, NULL),
    (2, 'answer', 'HUMAN',
        CASE status WHEN 'UNASSIGNED' THEN 'NEW' WHEN 'ASSIGNED' THEN 'ASSIGNED' WHEN 'DONE' THEN 'DONE'
            ELSE 'CANCELED' END,
        began, CASE status WHEN 'DONE' THEN ended END,
        CASE status WHEN 'DONE' THEN ended WHEN 'CANCELLED' THEN began + interval '4 hours' END,
        u.id, 'purchases.work_of_' || user_group),
    (3, 'end', 'END', 'DONE', ended, ended, ended, NULL, NULL)
) AS step (place, task, type, task_status, task_created, task_started, task_finished, task_owner, permission)
WHERE service.username = 'service' AND (place < 3 OR status = 'DONE')
ORDER BY n, place
"""

PREVIOUS: LiteralString = """
INSERT INTO viewflow_task_previous (from_task_id, to_task_id)
SELECT id, id - 1 FROM viewflow_task WHERE flow_task_type <> 'HUMAN_START' ORDER BY id
"""

NUMBERS: LiteralString = """
SELECT setval(pg_get_serial_sequence('viewflow_process', 'id'), (SELECT max(id) FROM viewflow_process)),
    setval(pg_get_serial_sequence('viewflow_task', 'id'), (SELECT max(id) FROM viewflow_task)),
    setval(pg_get_serial_sequence('auth_user', 'id'), (SELECT max(id) FROM auth_user))
"""

WAITING: LiteralString = f"""
WITH process AS (
    INSERT INTO viewflow_process (flow_class, status, created, data)
    SELECT '{FLOW}', 'NEW', now(), jsonb_build_object('department', %(department)s::text)
    FROM generate_series(1, %(count)s) RETURNING id
), start AS (
    INSERT INTO viewflow_task
        (process_id, flow_task, flow_task_type, status, created, started, finished, token, owner_id, data)
    SELECT p.id, '{FLOW}.start', 'HUMAN_START', 'DONE', now(), now(), now(), 'start', u.id, '{{}}'
    FROM process p, auth_user u WHERE u.username = 'service' RETURNING id, process_id
), answer AS (
    INSERT INTO viewflow_task (process_id, flow_task, flow_task_type, status, created, token, owner_permission, data)
    SELECT id, '{FLOW}.answer', 'HUMAN', 'NEW', now(), 'start', 'purchases.work_of_' || %(department)s, '{{}}'
    FROM process RETURNING id, process_id
), previous AS (
    INSERT INTO viewflow_task_previous (from_task_id, to_task_id)
    SELECT a.id, s.id FROM answer a JOIN start s USING (process_id)
)
SELECT process_id, id FROM answer
"""

DONE: LiteralString = "SELECT count(*) FROM viewflow_task WHERE owner_permission = %s AND status = 'DONE'"


@dataclass(frozen=True)
class Waiting:
    """A human step that waits in a queue."""

    process: int
    task: int

    def path(self, view: str) -> str:
        return f"/purchase/{self.process}/answer/{self.task}/{view}/"


def copy(ours: psycopg.Connection, theirs: psycopg.Connection) -> None:
    """Everything, and afterwards what autovacuum would have done by the next day, as with ours."""
    with theirs.transaction():
        # What is copied refers to nothing that is not there.
        theirs.execute("SET LOCAL session_replication_role = replica")
        theirs.execute(STAGING)
        for source, target in COPIES:
            with ours.cursor().copy(source) as read, theirs.cursor().copy(target) as write:
                for piece in read:
                    write.write(piece)
        for statement in (*PERMISSIONS, "ANALYZE run", PROCESSES, TASKS, PREVIOUS, NUMBERS):
            theirs.execute(statement)
        theirs.execute("DROP TABLE run")
    theirs.execute("VACUUM ANALYZE")
    theirs.execute("CHECKPOINT")


def waiting(theirs: psycopg.Connection, count: int, department: str) -> list[Waiting]:
    """New tasks that wait in that queue."""
    found = theirs.execute(WAITING, {"count": count, "department": department}).fetchall()
    return [Waiting(process, task) for process, task in found]


def done(theirs: psycopg.Connection, department: str) -> int:
    """How many steps of that department are completed."""
    row = theirs.execute(DONE, [f"purchases.work_of_{department}"]).fetchone()
    assert row is not None
    return int(row[0])
