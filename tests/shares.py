"""How the tests are shared out, for the sake of time: what is tried on one database alone, what has to stay with one
worker, and what begins first so that nobody waits for it at the end.
"""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

ON_ONE_DATABASE = (
    # Input is read, and refused, before there is a database; what gets through is tried by the domain's odd input.
    "tests/rpc/test_bad_input.py",
    "tests/admin/test_designer.py",
    "tests/admin/test_definitions.py",
    "tests/admin/test_definitions_compared.py",
    "tests/admin/test_timers.py",
    "tests/inbox/test_forms.py",
    "tests/inbox/test_times.py",
    "tests/domain/test_presentation.py",
    # Tokens, signatures, cookies, headers and paces: rows are read by their key, if at all.
    "tests/api/test_jwt.py",
    "tests/api/test_limits.py",
    "tests/rpc/test_jwt.py",
    "tests/rpc/test_limits.py",
    "tests/rpc/test_callers.py",
    "tests/inbox/test_preferences.py",
    "tests/inbox/test_signing_in.py",
    "tests/inbox/test_single_sign_on.py",
    "tests/security/test_headers.py",
    "tests/security/test_pages.py::test_nothing_is_changed_by_a_post_without_the_token_of_the_form",
    "tests/admin/test_site.py",
    # Words, and what others at the end of a wire do.
    "tests/mails/test_messages.py",
    "tests/webhooks/test_nasty_receivers.py",
    "tests/rpc/test_examples.py",
    "tests/rpc/test_connections.py::test_a_client_that_idles_past_its_keepalive_stays_connected",
    # The rules are a table in Python. On the other database the matrix asks about runs that are open, at each door.
    "tests/domain/test_rules.py",
    "tests/test_parity.py",
    "tests/matrix/test_every_door.py::test_every_door_gives_everybody_the_same_answer[ASSIGNED without a group]",
    "tests/matrix/test_every_door.py::test_every_door_gives_everybody_the_same_answer[DONE]",
    "tests/matrix/test_every_door.py::test_every_door_gives_everybody_the_same_answer[CANCELLED]",
    # How often a request asks is decided in Python.
    "tests/test_constant_queries.py",
    "tests/api/test_statements.py::test_fifty_",
    # What one may see is one query, which the lists of this file ask on both; these look at every address.
    "tests/leaks/test_nothing_shows.py::test_what_is_hidden_is_like_what_never_was",
    "tests/leaks/test_nothing_shows.py::test_the_admin_shows_nothing_to_staff_without_rights",
)
"""How their names begin: what no database can change, and is tried on SQLite. How something is
written, sought, ordered, counted or waited for is tried on both, by the tests of the domain if not at every door."""

TOGETHER = ("tests/test_running.py", "tests/test_plans.py", "tests/inbox/test_single_sign_on.py")
"""Files whose tests share a server, or rows, that are slow to make, or follow each other."""

FIRST = (
    "tests/benchmarks/",
    "tests/worker/test_killed.py",
    "tests/worker/test_run_worker.py",
    "tests/races/test_next.py",
    "tests/matrix/",
    "tests/leaks/",
    "tests/test_constant_queries.py",
    "tests/inbox/test_every_page_in_a_browser.py",
)
"""What takes long."""


def is_on_one_database(name: str) -> bool:
    return name.startswith(ON_ONE_DATABASE)


def begins_first(name: str) -> bool:
    return name.startswith((*TOGETHER, *FIRST))


class Sharing(LoadGroupScheduling):  # type: ignore[misc]
    """Gives each worker the next test, or the next file of those that stay together.

    The marker `xdist_group` does not do this: it is written into names that pytest 9.2 makes anew.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if path in TOGETHER else nodeid
