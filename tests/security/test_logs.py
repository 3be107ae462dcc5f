"""That a log says what happened, and nothing of what people typed, who they are and what they sign in with."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
from django.conf import settings as the_settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string
from google.protobuf.empty_pb2 import Empty
from littlehorse import model as lh

from tests.cast import PASSWORD, a_definition, a_run, a_user, token_of
from tests.mails.servers import Postbox, mailers_at, served
from tests.rpc.clients import Client as RpcClient
from tests.rpc.clients import id_of, text
from tests.rpc.conftest import server  # noqa: F401
from tests.webhooks.receivers import receiving
from tests.worker import deployed
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.courier import Courier
from usertasks.deliveries import Deliveries
from usertasks.mails import Mails
from usertasks.models import Delivery, Mail, UserTaskRun
from usertasks.rpc.server import GrpcServer
from usertasks.worker import TaskHooks, work_off

NAME = "xavier-marker"
ADDRESS = "xavier.marker@example.com"
WRITTEN = "the-marker-of-an-answer"
GUESSED = "the-marker-of-a-password"
TOKEN = "ut_the-marker-of-a-token"
PATH = "the-marker-of-a-webhook"
MARKERS = (NAME, ADDRESS, WRITTEN, GUESSED, TOKEN, PATH, "marker", PASSWORD)


@pytest.fixture
def log(settings: Any) -> Iterator[Callable[[], str]]:
    """All that any logger says, however quietly, as the settings have it written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    how: dict[str, str] = dict(the_settings.LOGGING["formatters"]["line"])  # type: ignore[index]
    handler.setFormatter(import_string(how.pop("class"))(how.pop("format"), **how))
    handler.addFilter(lambda record: record.name != "mail.log")  # that of the tests' own mail server
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written.getvalue
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def xavier(transactional_db: None) -> User:
    managing = ("view_usertaskrun", "add_usertaskrun", "add_usertaskdef", "assign_usertaskrun")
    return a_user(NAME, groups=["finance"], email=ADDRESS, permissions=managing)


def by_pages(user: User, run: UserTaskRun) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for password in (GUESSED, PASSWORD):
        client.get("/sign-in/")
        form = {"username": NAME, "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
        client.post("/sign-in/", form)
    page = f"/inbox/tasks/{run.id.hex}/"
    typed = {
        "username": NAME,
        "results-requestedItem": WRITTEN,
        "comment": WRITTEN,
        "version": run.version,
        "page": "aa",
    }
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    for action in ("claim", "save_progress", "comment", "complete", "nonsense"):
        client.post(page, {**typed, **token, "action": action})
    client.post(page, {**typed, "action": "complete"})
    client.post(f"{page}draft/", {**typed, **token})
    client.post(f"{page}draft/", typed)
    client.get(f"/inbox/?q={WRITTEN}&user_id={NAME}")
    client.get("/inbox/tasks/nowhere/", {"q": WRITTEN})


def by_rest(user: User, run: UserTaskRun) -> None:
    client = Client(raise_request_exception=False)
    for token in (TOKEN, token_of(user)):
        bearer = {"Authorization": f"Bearer {token}"}
        for path, body in (
            ("user-task-runs/", {"user_task_def": {"name": "it-request"}, "user_id": NAME, "notes": WRITTEN}),
            ("user-task-runs/", {"user_id": NAME, WRITTEN: WRITTEN}),
            (f"user-task-runs/{run.id.hex}/save-progress/", {"results": {"requestedItem": WRITTEN}}),
            (f"user-task-runs/{run.id.hex}/complete/", {"results": {WRITTEN: WRITTEN}}),
            (f"user-task-runs/{run.id.hex}/comments/", {"comment": WRITTEN}),
            (f"user-task-runs/{run.id.hex}/cancel/", {}),
        ):
            client.post(f"/api/v1/{path}", body, content_type="application/json", headers=bearer)
        client.post("/api/v1/user-task-runs/", f'{{"{WRITTEN}"', content_type="application/json", headers=bearer)
        client.get("/api/v1/user-task-runs/", {"user_id": NAME, WRITTEN: WRITTEN}, headers=bearer)


def by_grpc(user: User, run: UserTaskRun, port: int) -> None:
    answers = {"requestedItem": text(WRITTEN), WRITTEN: text(WRITTEN)}
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for token in (TOKEN, token_of(user)):
            for name, request in (
                ("Whoami", Empty()),
                (
                    "CompleteUserTaskRun",
                    lh.CompleteUserTaskRunRequest(user_task_run_id=id_of(run), user_id=NAME, results=answers),
                ),
            ):
                with suppress(grpc.RpcError):
                    getattr(RpcClient(channel, token), name)(request)


def by_itself(user: User, settings: Any) -> None:
    """Timers, webhooks and mails, all of which fail."""
    settings.USERTASKS = {**settings.USERTASKS, "TASKS": {"fail": f"{deployed.__name__}.fail"}}
    task = {"task_def_name": "fail", "variables": {"text": WRITTEN}}
    courier = Courier(deadline=1)
    postbox = Postbox(answers={"RCPT": f"550 {ADDRESS} is unknown, {WRITTEN}"})
    with receiving(status=500, body=WRITTEN.encode()) as receiver, served(postbox) as mail_port:
        settings.MAILERS = mailers_at(mail_port)
        operations.create_endpoint(f"{receiver.url}/{PATH}?key={PATH}", event_types=[], by=actor_for(user))
        a_run(user_id=NAME, actions=[{"hook": "ON_ARRIVAL", "delay_seconds": 0, "task": task}])
        work_off([TaskHooks(), Deliveries(courier), Mails()], timezone.now())
        assert receiver.arrivals
    courier.close()


@pytest.mark.usefixtures("server")
def test_no_log_tells_what_people_type_or_who_they_are(
    xavier: User,
    log: Callable[[], str],
    settings: Any,
    server: GrpcServer,  # noqa: F811
) -> None:
    definition = a_definition()
    by_pages(xavier, a_run(definition))
    by_rest(xavier, a_run(definition, user_id=NAME))
    by_grpc(xavier, a_run(definition, user_id=NAME), server.port)
    by_itself(xavier, settings)
    assert Mail.objects.exclude(error="").exists()
    assert Delivery.objects.filter(log__icontains=WRITTEN).exists()
    told = log()
    for line in ("CompleteUserTaskRun", "what=task_failed", "what=delivery", "what=mail", "Unauthorized: /api/v1/"):
        assert line in told
    assert {
        marker: said for marker in MARKERS if (said := [line for line in told.splitlines() if marker in line])
    } == {}


@pytest.mark.django_db
def test_a_defect_is_logged_with_its_place_and_without_its_message(log: Callable[[], str], settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.security.broken"
    Client(raise_request_exception=False).get("/broken/", headers={"Authorization": f"Bearer {TOKEN}"})
    told = log()
    assert "tests.security.broken.Defect" in told
    assert "in fail" in told
    assert "here is a secret" not in told.replace('raise Defect("here is a secret")', "")


@pytest.mark.django_db
def test_a_database_tells_which_rule_was_broken_and_not_by_what(log: Callable[[], str]) -> None:
    run = a_run()
    try:
        with transaction.atomic():
            UserTaskRun.objects.filter(pk=run.pk).update(status="DONE", user_id=None, notes=WRITTEN)
    except IntegrityError as problem:
        try:
            raise ImproperlyConfigured(WRITTEN) from problem
        except ImproperlyConfigured:
            logging.getLogger("usertasks").exception("It failed")
    told = log()
    assert "django.db.utils.IntegrityError: " in told
    assert "which led to" in told
    assert "marker" not in told
