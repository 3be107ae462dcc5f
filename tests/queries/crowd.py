"""A large database, written by SQL: 100,000 runs, and thousands of all that hangs on runs and on people.

The names are those of a world of `world.py`, so that whoever is in it works among all this: mel has some of these runs,
and each of her groups has a hundredth of them.
"""

from __future__ import annotations

from django.db import connection

from tests.cast import ENGINE
from usertasks import operations, totals
from usertasks.models import FeedHead, UserTaskDef, UserTaskField
from usertasks.models.feed import ONLY

RUNS = 100_000
OPEN_RUNS = 30_000
"""About so many of them are open."""
PEOPLE_THERE_ARE = 5000

FILL = """
    INSERT INTO usertasks_usertaskrun (
        id, wf_run_id, definition_id, user_task_def_name, user_task_def_version, user_id, user_group, status, results,
        notes, scheduled_time, due_at, epoch, version, priority, completed_at, request_digest)
    SELECT gen_random_uuid(), CASE WHEN n % 20 = 0 THEN 'wf-large' ELSE 'wf-' || n / 10 END,
        definition.id, definition.name, 0,
        CASE WHEN status = 'UNASSIGNED' THEN NULL WHEN hash / 7 % 500 = 3 THEN 'mel' ELSE 'user-' || hash / 7 % 500 END,
        CASE WHEN status = 'UNASSIGNED' OR n % 3 > 0 THEN 'group-' || (hash / 11 % 100) END,
        status, '{}',
        'case-' || n || CASE WHEN n % 10 < 3 THEN ' see attachment' WHEN n % 100 = 50 THEN ' apollo' ELSE '' END,
        timestamptz '2026-01-01 00:00Z' + n / 2 * interval '1 minute',
        CASE WHEN n % 5 < 3 THEN timestamptz '2026-01-20 00:00Z' + n / 2 * interval '1 minute'
             WHEN n % 5 = 3 THEN timestamptz '2099-01-20 00:00Z' + n / 2 * interval '1 minute' END, 0, 1,
        (ARRAY[50, 50, 50, 20, 80, 100])[1 + hash / 17 % 6],
        CASE WHEN status = 'DONE' THEN timestamptz '2026-06-01 00:00Z' + hash / 19 % 99999 * interval '1 minute' END,
        md5('' || n) || md5('' || n)
    FROM (SELECT n, abs(hashint4(n)::bigint) AS hash FROM generate_series(1, %(runs)s) n) numbers
    CROSS JOIN LATERAL (
        SELECT (ARRAY['UNASSIGNED', 'ASSIGNED', 'DONE', 'DONE', 'DONE', 'DONE', 'CANCELLED'])[1 + hash % 7] AS status) s
    JOIN usertasks_usertaskdef definition ON definition.name = 'form-' || hash / 13 % 20
"""

HAPPEN = """
    INSERT INTO usertasks_usertaskevent (run_id, number, time, type, actor, data, position)
    SELECT id, 1, scheduled_time, 'created', 'engine', '{}', row_number() OVER (ORDER BY scheduled_time, id)
    FROM usertasks_usertaskrun
"""

PUT_OFF = """
    INSERT INTO usertasks_snooze (run_id, user_id, until)
    SELECT id, 'user-7', timestamptz '2099-01-01Z' FROM usertasks_usertaskrun
    WHERE user_id = 'user-7' OR user_group IN ('group-5', 'group-6') ORDER BY md5(id::text) LIMIT 60
"""

OTHERS_PUT_OFF = """
    INSERT INTO usertasks_snooze (run_id, user_id, until)
    SELECT id, 'user-' || 100 + hashtext(id::text) % 100, timestamptz '2099-01-01Z' FROM usertasks_usertaskrun
    WHERE status = 'ASSIGNED'
"""

PEOPLE = (
    """
    INSERT INTO auth_user (
        username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined)
    SELECT 'user-' || n, '!', false, '', '', 'user-' || n || '@example.com', false, n % 50 > 0, now()
    FROM {people}
    """,
    "INSERT INTO auth_group (name) SELECT 'group-' || n FROM generate_series(0, 99) n",
    """
    INSERT INTO auth_user_groups (user_id, group_id)
    SELECT u.id, g.id FROM auth_user u, generate_series(0, 3) k JOIN auth_group g ON true
    WHERE g.name = 'group-' || (u.id * 7 + k * 13) % 100
    """,
    "INSERT INTO usertasks_grouplead (user_id, user_group) SELECT 'user-' || n, 'group-' || n % 100 FROM {people}",
    """
    INSERT INTO usertasks_substitution (user_id, substitute_id, starts_at, ends_at, named_by, created_at)
    SELECT 'user-' || n, 'user-' || n + 1, '2026-01-01Z', '2026-02-01Z', 'user-' || n, now() FROM {people}
    """,
    """
    INSERT INTO usertasks_savedfilter (user_id, user_group, name, box, query, created_at)
    SELECT 'user-' || n, CASE WHEN n % 5 = 0 THEN 'group-' || 50 + n % 50 END, 'mine', 'all', 'sort=due', now()
    FROM {people}
    """,
    "INSERT INTO usertasks_preferences (user_id, language, time_zone) SELECT 'user-' || n, 'de', '' FROM {people}",
    """
    INSERT INTO usertasks_apitoken (user_id, name, digest, hint, scopes, created_at, made_by)
    SELECT id, 'mine', md5(username) || md5(username), '', '[]', now(), username FROM auth_user
    """,
    """
    INSERT INTO usertasks_mailchoice (user_id, assigned, "group", reminder, comment)
    SELECT id, false, false, false, false FROM auth_user
    """,
    """
    INSERT INTO socialaccount_socialaccount (user_id, provider, uid, last_login, date_joined, extra_data)
    SELECT id, 'openid_connect', 'of ' || username, now(), now(), '{{}}' FROM auth_user
    """,
    """
    INSERT INTO django_admin_log (
        action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
    SELECT timestamptz '2026-01-01Z' + n * interval '1 minute', u.id, kind.id, u.id, u.username, 2, ''
    FROM auth_user u, generate_series(1, 3) n, django_content_type kind WHERE kind.model = 'user'
    """,
    """
    INSERT INTO django_session (session_key, session_data, expire_date)
    SELECT 'session-' || n, '', timestamptz '2099-01-01Z' FROM {people}
    """,
    "INSERT INTO inbox_signinattempt (key, tried_at) SELECT md5('' || n), now() FROM {people}",
    """
    INSERT INTO usertasks_bulkchange (id, actor, action, arguments, created_at, items, results)
    SELECT gen_random_uuid(), 'user-' || n, 'claim', '{{}}', now(), '[]', '[]' FROM {people}
    """,
    """
    INSERT INTO usertasks_refusal (time, action, code, actor, door, run_id, position, link, redaction)
    SELECT timestamptz '2026-01-01Z' + n * interval '1 minute', 'claim', 'not_allowed', 'user-' || n % 5000, 'api',
        gen_random_uuid(), n, '', ''
    FROM generate_series(1, 20000) n
    """,
    """
    INSERT INTO usertasks_usertaskdef (name, version, description, created_at)
    SELECT 'spare-' || n / 3, n % 3, '', now() FROM {people}
    """,
    """
    INSERT INTO usertasks_webhookendpoint (
        id, owner_id, url, secret, event_types, description, active, switched_off, created_at, failures)
    SELECT gen_random_uuid(), id, 'https://example.com/' || username, '', '[]', '', false, 'by_hand', now(), 0
    FROM auth_user WHERE id % 100 = 0
    """,
)
"""Who has an account, and what they have arranged."""

TWENTY_THOUSAND = "(SELECT *, row_number() OVER () AS n FROM usertasks_usertaskrun LIMIT 20000) run"

WORK = (
    """
    INSERT INTO usertasks_usertaskcomment (run_id, number, user_id, comment, created_at, deleted)
    SELECT id, 1, 'user-1', 'Hello', now(), false FROM {runs}
    """,
    """
    INSERT INTO usertasks_armedhook (
        run_id, hook, action, arguments, delay_seconds, epoch, due_at, next_attempt_at, state, reason, settled_at,
        attempts, error)
    SELECT id, 'ON_ARRIVAL', (ARRAY['task', 'reassign', 'cancel'])[1 + n % 3],
        '{{"user_group": "group-1"}}', 60, epoch, at, at, CASE WHEN n % 4 = 0 THEN 'fired' ELSE 'armed' END, '',
        CASE WHEN n % 4 = 0 THEN now() END, 0, ''
    FROM {runs} CROSS JOIN LATERAL (
        SELECT CASE WHEN n % 10 = 1 THEN timestamptz '2026-01-01Z' ELSE '2099-01-01Z' END AS at) moment
    """,
    """
    INSERT INTO usertasks_draft (run_id, user_id, text, page, settled_page, saved_at, snapshot_at)
    SELECT id, 'user-1', '', '', '', now(), now() FROM {runs}
    """,
    """
    INSERT INTO usertasks_draftstate (draft_id, text, saved_at) SELECT id, '', now() FROM usertasks_draft
    """,
    """
    INSERT INTO usertasks_upload (id, run_id, user_id, field, name, size, sha256, content, is_answer, created_at)
    SELECT gen_random_uuid(), id, 'user-' || n % 5000, 'scan', 'a.txt', 1, '', 'of ' || n, n % 2 = 0, now() FROM {runs}
    """,
    """
    INSERT INTO usertasks_mail (
        user_id, run_id, kind, occasion, content, state, created_at, next_attempt_at, attempts, is_handed_over,
        settled_at, error)
    SELECT u.id, run.id, 'assigned', 'event:' || n, '{{}}', CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'sent' END, now(),
        '2026-01-01Z', 0, false, CASE WHEN n % 10 > 0 THEN now() END, ''
    FROM {runs} JOIN auth_user u ON u.username = 'user-' || n % 5000
    """,
    """
    INSERT INTO usertasks_delivery (
        endpoint_id, event_id, run_id, position, state, next_attempt_at, attempts, failures, delivered_at, log)
    SELECT endpoint.id, event.id, event.run_id, event.position,
        CASE WHEN event.position % 10 = 0 THEN 'pending' ELSE 'delivered' END, '2026-01-01Z', 1, 0,
        CASE WHEN event.position % 10 > 0 THEN now() END, '[]'
    FROM usertasks_usertaskevent event
    JOIN (SELECT id, row_number() OVER (ORDER BY owner_id) AS n FROM usertasks_webhookendpoint) endpoint
        ON endpoint.n = 1 + event.position % 40
    WHERE event.position <= 20000
    """,
)
"""What hangs on runs, of each sort as much."""


def fill() -> None:
    """Write all of it for good, and vacuum it."""
    names = {"people": f"generate_series(0, {PEOPLE_THERE_ARE - 1}) n", "runs": TWENTY_THOUSAND}
    for n in range(20):
        operations.put_definition(f"form-{n}", [UserTaskField(name="answer", type="STR")], by=ENGINE)
    with connection.cursor() as cursor:
        # A vacuum marks as visible to all only what has reached the disk.
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute(FILL.replace(" % ", " %% "), {"runs": RUNS})
        # Else the foreign key of each event is looked up by a plan that was made while the table was empty.
        cursor.execute("ANALYZE usertasks_usertaskrun")
        for statement in (HAPPEN, PUT_OFF, OTHERS_PUT_OFF):
            cursor.execute(statement)
        for statement in (*PEOPLE, *WORK):
            cursor.execute(statement.format(**names))
        cursor.execute("RESET synchronous_commit")
        totals.fold()
        cursor.execute("VACUUM ANALYZE")
    FeedHead.objects.update_or_create(pk=ONLY, defaults={"position": RUNS, "refusal_position": 20_000})


def empty() -> None:
    """Take it away: with the definitions what is asked by them, with the people what is theirs."""
    tables = (
        UserTaskDef._meta.db_table,
        "auth_user",
        *(f"usertasks_{name}" for name in ("grouplead", "substitution", "savedfilter", "preferences", "bulkchange")),
        "usertasks_refusal",
        "inbox_signinattempt",
        "django_session",
    )
    FeedHead.objects.update(position=0, refusal_position=0)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        cursor.execute("DELETE FROM auth_group WHERE name LIKE 'group-%'")
