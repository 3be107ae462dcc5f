"""`make pictures`: the pictures in docs/images, taken of the demo by a real browser.

Each page is taken on desktop and phone, light and dark. The demo is served on a free port from a temporary folder, with
some weeks of work beside it, and stopped at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import django
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SECONDS_TO_START = 120
DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
THEMES = ("light", "dark")
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
WEEKS = 8
WORK = {
    "jedi-temple": (("it-request", "approve-funds-for-mission"), ("obiwan", "anakin")),
    "jedi-council": (("approve-funds-for-mission", "it-request"), ("obiwan", "yoda")),
    "archives": (("it-request",), ()),
}
"""Group → what is done there, and by whom; nobody is in the last one, so that its work is stuck."""
NOTES = (
    "For the mission to Naboo.",
    "Two knights, eight days.",
    "The old one is worn out.",
    "Before the senate meets.",
    "",
)


def main() -> int:
    parser = argparse.ArgumentParser("python docs/pictures.py", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=IMAGES, help="the folder for the pictures (default: docs/images)"
    )
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="usertasks-pictures-") as var, _demo(var) as url, sync_playwright() as playwright:
        _work_of_weeks()
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for number, (device, theme) in enumerate(product(DEVICES, THEMES)):
            for name, page in _pages(browser, url, device, theme, number):
                path = folder / f"{name}-{device}-{theme}.png"
                page.screenshot(path=path)
                print(f"{path.name}  {path.stat().st_size // 1000} kB", flush=True)
        browser.close()
    return 0


@contextmanager
def _demo(var: str) -> Iterator[str]:
    """The demo, served; this process works on the same database."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"DEBUG": "true", "VAR_DIR": var, "PORT": str(port), "GRPC_PORT": "0"}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
    sys.path.insert(0, str(ROOT))
    django.setup()
    for command in ("migrate", "load_demo"):
        subprocess.run([sys.executable, "manage.py", command, "--verbosity", "0"], cwd=ROOT, check=True)
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "8"]
    server = subprocess.Popen(
        [*granian, "--log-level", "error", "--host", "127.0.0.1", "--port", str(port), "config.wsgi:application"],
        cwd=ROOT,
    )
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/healthz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and time.monotonic() < end:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The server does not answer.")


def _work_of_weeks() -> None:
    """Runs that came in over some weeks: done, open, late and stuck ones, as a team would have them."""
    from django.contrib.auth.models import User  # noqa: PLC0415 # after the set-up, which main does
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from usertasks import operations  # noqa: PLC0415
    from usertasks.actors import actor_for  # noqa: PLC0415
    from usertasks.models import UserTaskEvent, UserTaskRun  # noqa: PLC0415

    with connection.cursor() as cursor:  # what is past never changes again, and this has to become the past
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (trigger,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{trigger}"')
    luck, now = random.Random(7), timezone.now()
    actors = {user.username: actor_for(user) for user in User.objects.all()}
    for number in range(160):
        group = luck.choices(list(WORK), weights=[5, 4, 1])[0]
        definitions, people = WORK[group]
        age = timedelta(days=WEEKS * 7 * luck.random() ** 2, hours=luck.random() * 5)
        due = now - age + timedelta(days=luck.choice([3, 10, 30])) if luck.random() < 0.6 else None
        request = operations.RunRequest(
            definitions[luck.random() > 0.7 and len(definitions) > 1],
            user_group=group,
            notes=luck.choice(NOTES),
            due_at=due,
            priority=luck.choice([30, 50, 50, 50, 70, 90]),
        )
        run = operations.create(request, by=actors["admin"]).run
        assert run is not None
        if people and number % 6:
            person = actors[luck.choice(people)]
            operations.claim(run.id, by=person)
            answers = {
                "it-request": {"requestedItem": "Cloak, brown", "justification": "The old one stayed behind."},
                "approve-funds-for-mission": {"approved": True, "amount": 1200.0},
            }
            if luck.random() < 0.75 or age > timedelta(days=20):
                operations.complete(run.id, answers[run.user_task_def_name], by=person)
        begun = now - age
        finished = min(now, begun + age * luck.random() * 0.6)
        UserTaskRun.objects.filter(pk=run.id).update(scheduled_time=begun)
        UserTaskRun.objects.filter(pk=run.id, status="DONE").update(completed_at=finished)
        for event in UserTaskEvent.objects.filter(run=run.id):
            at = begun if event.number == 1 else begun + (finished - begun) * 0.4 if event.number == 2 else finished
            UserTaskEvent.objects.filter(pk=event.pk).update(time=at)


def _pages(browser: Browser, url: str, device: str, theme: str, number: int) -> Iterator[tuple[str, Page]]:
    """Each page as it is to be seen; the task is one that no round before has typed into."""
    with _signed_in(browser, url, "obiwan", device, theme) as context:
        page = context.new_page()
        page.goto(f"{url}/inbox/groups/?sort=priority")
        yield "inbox", page
        page.goto(f"{url}/inbox/?user_task_def_name=approve-funds-for-mission")
        page.locator(".row-title").nth(number).click()
        page.get_by_label("Reason").fill("Worth it: the droids of the federation are made there.")
        page.evaluate("scrollTo(0, 0)")
        yield "task", page
        yield "conflict", _in_conflict(browser, url, page, theme)
    with _signed_in(browser, url, "yoda", device, theme) as context:
        page = context.new_page()
        page.goto(f"{url}/inbox/team/")
        yield "team", page


def _in_conflict(browser: Browser, url: str, page: Page, theme: str) -> Page:
    """The same task after somebody else has saved other answers in the meantime."""
    page.get_by_label("Amount in credits").fill("18000")
    with _signed_in(browser, url, "yoda", "desktop", theme) as context:
        other = context.new_page()
        other.goto(page.url)
        other.get_by_label("Amount in credits").fill("9000")
        other.get_by_label("Reason").fill("Too much, this is.")
        other.get_by_role("button", name="Save progress").click()
        other.wait_for_load_state()
    page.get_by_role("button", name="Save progress").click()
    page.get_by_role("heading", level=1).wait_for()
    return page


@contextmanager
def _signed_in(browser: Browser, url: str, username: str, device: str, theme: str) -> Iterator[BrowserContext]:
    context = browser.new_context(**DEVICES[device], color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{url}/sign-in/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1).wait_for()
    page.close()
    yield context
    context.close()


if __name__ == "__main__":
    sys.exit(main())
