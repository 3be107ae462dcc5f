"""The data that is measured on: skewed as life is, the same on every machine, and written fast.

Rows are made inside PostgreSQL, past the operations: only the shape of what they would have written counts here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from django.utils.module_loading import import_string

DEFINITIONS, PEOPLE, GROUPS = 20, 5000, 200
MEMBERS, GROUPS_OF_A_MEMBER = 5, 20
MANAGER, SERVICE, WORKER = "manager", "service", "worker"
WORKSHOP = "workshop"
"""The group in which runs wait that are measured while they change."""
WORKED_ON = "definition-00"

# Who has an account beside the crowd, and what they may do.
PERMISSIONS = {
    MANAGER: ["view_usertaskrun", "assign_usertaskrun", "cancel_usertaskrun", "override_claim"],
    SERVICE: ["add_usertaskrun", "add_usertaskdef", "view_usertaskrun", "act_on_behalf"],
    WORKER: [],
    **{f"member-{number}": [] for number in range(MEMBERS)},
}

ANSWERS = {"reason": "A new one is needed", "amount": 3, "cost": 129.5, "urgent": True, "kind": "hardware"}
"""Results that satisfy every definition here."""

ACCOUNTS: LiteralString = """
INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined)
SELECT name, '!', false, initcap(name), 'Of the Benchmark', name || '@example.com', false, true, now()
FROM unnest(%s::text[]) AS name
"""

PEOPLE_IN_GROUPS: tuple[LiteralString, ...] = (
    "INSERT INTO auth_group (name) SELECT 'group-' || to_char(n, 'FM000') FROM generate_series(0, 199) n",
    f"INSERT INTO auth_group (name) VALUES ('{WORKSHOP}')",
    # One to four groups each; the first groups have most of the people.
    """
    INSERT INTO auth_user_groups (user_id, group_id)
    SELECT DISTINCT u.id, g.id FROM auth_user u, generate_series(1, 1 + u.id % 4) turn,
        LATERAL (SELECT 'group-' || to_char(floor(200 * power(random() + 0 * (turn + u.id), 2)), 'FM000') AS name) wish
        JOIN auth_group g USING (name)
    WHERE u.username LIKE 'person-%'
    """,
    f"""
    INSERT INTO auth_user_groups (user_id, group_id)
    SELECT u.id, g.id FROM auth_user u, auth_group g WHERE u.username = '{WORKER}' AND g.name = '{WORKSHOP}'
    """,
    # Every tenth group, each member beginning with another one: large ones and small ones.
    """
    INSERT INTO auth_user_groups (user_id, group_id)
    SELECT u.id, g.id FROM auth_user u
        JOIN auth_group g ON g.name LIKE 'group-%' AND right(g.name, 1) = right(u.username, 1)
    WHERE u.username LIKE 'member-%'
    """,
)

PERMITTED: LiteralString = """
INSERT INTO auth_user_user_permissions (user_id, permission_id)
SELECT u.id, p.id FROM auth_user u, auth_permission p WHERE u.username = %s AND p.codename = ANY(%s)
"""

FORMS: tuple[LiteralString, ...] = (
    """
    INSERT INTO usertasks_usertaskdef (name, version, description, created_at)
    SELECT 'definition-' || to_char(n, 'FM00'), 0, 'What somebody asks for', now() FROM generate_series(0, 19) n
    """,
    """
    INSERT INTO usertasks_usertaskfield
        (definition_id, position, name, type, display_name, description, required, validation, presentation)
    SELECT d.id, f.position, f.name, f.type, initcap(f.name), 'Please be precise.', f.required, f.validation, '{}'
    FROM usertasks_usertaskdef d, (VALUES
        (0, 'reason', 'STR', true, '{"max_length": 500}'::jsonb),
        (1, 'kind', 'STR', true, '{"choices": ["hardware", "software", "travel"]}'),
        (2, 'amount', 'INT', true, '{"min": 1, "max": 1000}'),
        (3, 'cost', 'DOUBLE', false, '{}'),
        (4, 'urgent', 'BOOL', false, '{}'),
        (5, 'needed_by', 'TIMESTAMP', false, '{}')
    ) AS f (position, name, type, required, validation)
    """,
)

# Two years of runs. The newer a run, the likelier it is still open: one in ten is. Half of the open ones wait in a
# group; of the others three in ten never had one. A power of random() makes few definitions, people and groups busy;
# the busiest people are the members of 20 groups. Four in ten have a priority of their own, most of these a low one.
RUNS: LiteralString = """
INSERT INTO usertasks_usertaskrun
    (id, wf_run_id, definition_id, user_task_def_name, user_task_def_version, user_id, user_group, status, results,
     notes, scheduled_time, epoch, version, due_at, priority, on_cancellation_exception_name, completed_at,
     request_digest)
SELECT gen_random_uuid(), 'wf-' || n / 3, d.id, d.name, d.version,
    CASE WHEN status = 'UNASSIGNED' THEN NULL WHEN owner < 5 THEN 'member-' || owner
        ELSE 'person-' || to_char(owner, 'FM0000') END,
    CASE WHEN status = 'UNASSIGNED' OR luck[1] < 0.7 THEN 'group-' || to_char(floor(200 * power(luck[2], 2)), 'FM000')
    END,
    status,
    CASE WHEN status = 'DONE' OR (status = 'ASSIGNED' AND luck[3] < 0.5) THEN jsonb_build_object(
        'reason', 'Needed for project ' || n, 'kind', 'hardware', 'amount', 1 + n %% 9, 'cost', n %% 5000 / 10.0,
        'urgent', n %% 2 = 0) ELSE '{}' END,
    CASE WHEN luck[4] < 0.3 THEN repeat('Please look at the attachment first. ', 4) ELSE '' END,
    began, CASE status WHEN 'UNASSIGNED' THEN 0 ELSE 1 END, CASE status WHEN 'UNASSIGNED' THEN 1 ELSE 3 END,
    CASE WHEN luck[5] < 0.6 THEN began + interval '20 days' END,
    CASE WHEN luck[6] < 0.6 THEN 50 ELSE 10 * floor(11 * power((luck[6] - 0.6) / 0.4, 2)) END, NULL,
    CASE status WHEN 'DONE' THEN began + interval '3 days' END, md5(n::text) || md5(n::text)
FROM (
    SELECT n, now() - interval '2 years' * (1 - n::float / %(runs)s) AS began,
        ARRAY[random(), random(), random(), random(), random(), random()] AS luck, random() AS form,
        floor(5000 * power(random(), 2)) AS owner,
        CASE WHEN random() < 0.5 * power(n::float / %(runs)s, 4)
            THEN CASE WHEN random() < 0.5 THEN 'UNASSIGNED' ELSE 'ASSIGNED' END
            ELSE CASE WHEN random() < 0.05 THEN 'CANCELLED' ELSE 'DONE' END END AS status
    FROM generate_series(1, %(runs)s) n
) run JOIN usertasks_usertaskdef d ON d.name = 'definition-' || to_char(floor(20 * power(form, 2)), 'FM00')
"""

# In the feed they stand in the order in which they are written here, run by run; nobody is told of them.
EVENTS: LiteralString = """
INSERT INTO usertasks_usertaskevent (run_id, number, time, type, actor, data, position)
SELECT r.id, row_number() OVER (PARTITION BY r.id ORDER BY e.place), r.scheduled_time + e.place * interval '1 hour',
    e.type, coalesce(r.user_id, 'service'), e.data, row_number() OVER (ORDER BY r.id, e.place)
FROM usertasks_usertaskrun r, LATERAL (VALUES
    (0, 'created', true, jsonb_build_object('user_id', NULL, 'user_group', r.user_group)),
    (1, 'assigned', r.user_id IS NOT NULL, jsonb_build_object('new_user_id', r.user_id, 'new_user_group', r.user_group,
        'old_user_id', NULL, 'old_user_group', r.user_group)),
    (2, 'saved', r.results <> '{}', jsonb_build_object('user_id', r.user_id, 'results', r.results)),
    (3, 'completed', r.status = 'DONE', jsonb_build_object('user_id', r.user_id, 'results', r.results)),
    (4, 'cancelled', r.status = 'CANCELLED', jsonb_build_object('user_id', r.user_id, 'user_group', r.user_group))
) AS e (place, type, is_so, data)
WHERE e.is_so
"""

HEAD: LiteralString = """
INSERT INTO usertasks_feedhead (id, position) SELECT 1, coalesce(max(position), 0) FROM usertasks_usertaskevent
ON CONFLICT (id) DO UPDATE SET position = excluded.position
"""

# What people arrange for themselves: three in a hundred put a task off, and every member twenty that wait.
ARRANGED: tuple[LiteralString, ...] = (
    """
    INSERT INTO usertasks_snooze (run_id, user_id, until)
    SELECT id, user_id, now() + interval '1 day' * (1 + random() * 10) FROM usertasks_usertaskrun
    WHERE status = 'ASSIGNED' AND random() < 0.03
    """,
    """
    INSERT INTO usertasks_snooze (run_id, user_id, until)
    SELECT run.id, member.username, now() + interval '3 days' FROM auth_user member, LATERAL (
        SELECT id FROM usertasks_usertaskrun
        WHERE status = 'UNASSIGNED' AND user_group LIKE 'group-__' || right(member.username, 1)
        ORDER BY scheduled_time DESC LIMIT 20
    ) run WHERE member.username LIKE 'member-%'
    """,
    """
    INSERT INTO usertasks_savedfilter (user_id, name, box, query, created_at)
    SELECT username, f.name, f.box, f.query, now() FROM auth_user, LATERAL (VALUES
        ('Hardware', 'groups', 'user_task_def_name=definition-00'),
        ('What I did of travel', 'done', 'user_task_def_name=definition-02'),
        ('All of a busy group', 'all', 'user_group=group-01' || right(username, 1))
    ) AS f (name, box, query) WHERE username LIKE 'member-%'
    """,
)

WAITING_RUNS: LiteralString = f"""
WITH run AS (
    INSERT INTO usertasks_usertaskrun
        (id, wf_run_id, definition_id, user_task_def_name, user_task_def_version, user_group, status, results, notes,
         scheduled_time, epoch, version, priority, request_digest)
    SELECT guid::uuid, guid, d.id, d.name, d.version, '{WORKSHOP}', 'UNASSIGNED', '{{}}', '', %(now)s, 0, 1, 50,
        md5(guid)
    FROM unnest(%(ids)s::text[]) AS guid, usertasks_usertaskdef d WHERE d.name = '{WORKED_ON}' AND d.version = 0
    RETURNING id
)
INSERT INTO usertasks_usertaskevent (run_id, number, time, type, actor, data)
SELECT id, 1, %(now)s, 'created', '{SERVICE}', jsonb_build_object('user_id', NULL, 'user_group', '{WORKSHOP}') FROM run
"""


def fill(database: psycopg.Connection, *, runs: int) -> None:
    """People, definitions, runs and events; afterwards what autovacuum would have done by the next day."""
    with _counted_at_once(database), database.transaction(), database.cursor() as cursor:
        cursor.execute("SELECT setseed(0.42)")
        people = [f"person-{number:04}" for number in range(PEOPLE)]
        cursor.execute(ACCOUNTS, [[*PERMISSIONS, *people]])
        for statement in (*PEOPLE_IN_GROUPS, *FORMS):
            cursor.execute(statement)
        for name, permissions in PERMISSIONS.items():
            cursor.execute(PERMITTED, [name, permissions])
        cursor.execute(RUNS, {"runs": runs})
        cursor.execute(EVENTS)
        for statement in (HEAD, *ARRANGED):
            cursor.execute(statement)
    database.execute("VACUUM ANALYZE")
    database.execute("CHECKPOINT")


COUNTING: tuple[LiteralString, ...] = ("usertasks_usertaskrun_counted_insert", "usertasks_usertaskrun_open_insert")
"""The triggers that count the runs which are written."""


@contextmanager
def _counted_at_once(database: psycopg.Connection) -> Iterator[None]:
    """Runs are counted at the end of the block, and not as they are written."""
    for trigger in COUNTING:
        database.execute(f"ALTER TABLE usertasks_usertaskrun DISABLE TRIGGER {trigger}")
    yield
    for trigger in COUNTING:
        database.execute(f"ALTER TABLE usertasks_usertaskrun ENABLE TRIGGER {trigger}")
    # By its name: there are models only once Django is set up.
    for statement in import_string("usertasks.totals.CORRECT"):
        database.execute(statement)


def let_in(database: psycopg.Connection, other: psycopg.Connection) -> None:
    """Whoever is signed in or has a token here is let into the other database too, where the same people are."""
    for table in ("django_session", "usertasks_apitoken"):
        with database.cursor() as source, other.cursor() as target:
            target.execute(f"TRUNCATE {table}".encode())
            with (
                source.copy(f"COPY {table} TO STDOUT".encode()) as rows,
                target.copy(f"COPY {table} FROM STDIN".encode()) as written,
            ):
                for row in rows:
                    written.write(row)


def waiting_runs(database: psycopg.Connection, count: int) -> list[str]:
    """New runs that wait in the workshop, alike but for their ids; gives those."""
    ids = [uuid4().hex for _ in range(count)]
    database.execute(WAITING_RUNS, {"ids": ids, "now": "2026-01-01T00:00:00Z"})
    return ids


def rows_of(database: psycopg.Connection, query: LiteralString, *parameters: Any) -> Sequence[Any]:
    """Examples to search for."""
    return database.execute(query, parameters).fetchall()
