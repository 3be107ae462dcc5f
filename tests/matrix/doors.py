"""How each door is asked for the same, and with which word it answers: `yes`, or the code of a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
from django.db import transaction
from django.test import Client as Browser
from littlehorse import model as lh

from tests.api.conftest import Caller
from tests.cast import FINANCE
from tests.inbox.pages import ANSWERS as TYPED
from tests.matrix.crowd import MEMBER, RESULTS
from tests.rpc.clients import ANSWERS, Client, id_of
from usertasks import errors, operations
from usertasks.actors import Actor
from usertasks.api.problems import HTTP_STATUS
from usertasks.errors import Refused
from usertasks.models import UserTaskRun
from usertasks.operations import SavePolicy
from usertasks.rpc.interceptor import CODE_KEY, STATUSES
from usertasks.rules import Action, decide

YES = "yes"
WORDS = "Hello again"
IGNORE = lh.SaveUserTaskRunProgressRequest.IGNORE_CLAIM
FAIL = lh.SaveUserTaskRunProgressRequest.FAIL_IF_CLAIMED_BY_OTHER


@dataclass(frozen=True)
class Question:
    """Somebody asks for something on a run: `named` is the person for whom a service asks. `is_forced` says what the
    detail of a yes names: to override a claim, or to ignore it."""

    run: UserTaskRun
    by: str
    named: str | None = None
    is_forced: bool = False

    @property
    def person(self) -> str:
        return self.named or self.by


@dataclass(frozen=True)
class Verb:
    """How one thing is asked for. `rest` is method and path below the run; `rpc` is None where there is none."""

    domain: Callable[[Question, Actor], Any]
    rest: tuple[str, str]
    body: Callable[[Question], dict[str, Any]] | None = None
    rpc: str | None = None
    message: Callable[[Question], Any] | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    button: str = ""
    action: Action | None = None
    """The row of the table that decides, where it is one of those that `explain` tells of."""
    takes_person: bool = False
    """Whether a service can say for whom."""


def _policy(question: Question) -> SavePolicy:
    return SavePolicy.IGNORE_CLAIM if question.is_forced else SavePolicy.FAIL_IF_CLAIMED_BY_OTHER


VERBS: Mapping[str, Verb] = {
    "view": Verb(
        lambda question, by: _look(question.run, by),
        rest=("GET", ""),
        rpc="GetUserTaskRun",
        message=lambda question: id_of(question.run),
        action=Action.VIEW,
    ),
    "add_comment": Verb(
        lambda question, by: operations.add_comment(question.run.id, WORDS, by=by, user_id=question.named),
        rest=("POST", "comments/"),
        body=lambda question: {"comment": WORDS, "user_id": question.named},
        rpc="PutUserTaskRunComment",
        message=lambda question: lh.PutUserTaskRunCommentRequest(
            user_task_run_id=id_of(question.run), user_id=question.person, comment=WORDS
        ),
        button="add_comment",
        typed={"comment": WORDS},
        action=Action.COMMENT,
        takes_person=True,
    ),
    "edit_comment": Verb(
        lambda question, by: operations.edit_comment(question.run.id, 1, WORDS, by=by, user_id=question.named),
        rest=("PATCH", "comments/1/"),
        body=lambda question: {"comment": WORDS, "user_id": question.named},
        rpc="EditUserTaskRunComment",
        message=lambda question: lh.EditUserTaskRunCommentRequest(
            user_task_run_id=id_of(question.run), user_comment_id=1, user_id=question.person, comment=WORDS
        ),
        button="edit_comment:1",
        typed={"comment-1": WORDS},
        takes_person=True,
    ),
    "delete_comment": Verb(
        lambda question, by: operations.delete_comment(question.run.id, 1, by=by),
        rest=("DELETE", "comments/1/"),
        rpc="DeleteUserTaskRunComment",
        message=lambda question: lh.DeleteUserTaskRunCommentRequest(
            user_task_run_id=id_of(question.run), user_comment_id=1, user_id=question.by
        ),
        button="delete_comment:1",
    ),
    "claim": Verb(
        lambda question, by: operations.claim(question.run.id, by=by),
        rest=("POST", "claim/"),
        button="claim",
        action=Action.CLAIM,
    ),
    "release": Verb(
        lambda question, by: operations.release(question.run.id, by=by),
        rest=("POST", "release/"),
        button="release",
        action=Action.RELEASE,
    ),
    "save_progress": Verb(
        lambda question, by: operations.save_progress(
            question.run.id, RESULTS, by=by, user_id=question.named, policy=_policy(question)
        ),
        rest=("POST", "save-progress/"),
        body=lambda question: {"results": RESULTS, "policy": _policy(question), "user_id": question.named},
        rpc="SaveUserTaskRunProgress",
        message=lambda question: lh.SaveUserTaskRunProgressRequest(
            user_task_run_id=id_of(question.run),
            user_id=question.person,
            results=ANSWERS,
            policy=IGNORE if question.is_forced else FAIL,
        ),
        button="save_progress",
        typed=TYPED,
        action=Action.SAVE_PROGRESS,
        takes_person=True,
    ),
    "complete": Verb(
        lambda question, by: operations.complete(question.run.id, RESULTS, by=by, user_id=question.named),
        rest=("POST", "complete/"),
        body=lambda question: {"results": RESULTS, "user_id": question.named},
        rpc="CompleteUserTaskRun",
        message=lambda question: lh.CompleteUserTaskRunRequest(
            user_task_run_id=id_of(question.run), user_id=question.person, results=ANSWERS
        ),
        button="complete",
        typed=TYPED,
        action=Action.COMPLETE,
        takes_person=True,
    ),
    "assign": Verb(
        lambda question, by: operations.assign(
            question.run.id, by=by, user_id=MEMBER, user_group=FINANCE, override_claim=question.is_forced
        ),
        rest=("POST", "assign/"),
        body=lambda question: {"user_id": MEMBER, "user_group": FINANCE, "override_claim": question.is_forced},
        rpc="AssignUserTaskRun",
        message=lambda question: lh.AssignUserTaskRunRequest(
            user_task_run_id=id_of(question.run),
            user_id=MEMBER,
            user_group=FINANCE,
            override_claim=question.is_forced,
        ),
        button="assign",
        typed={"move-user": MEMBER, "move-group": FINANCE},
        action=Action.ASSIGN,
    ),
    "cancel": Verb(
        lambda question, by: operations.cancel(question.run.id, by=by),
        rest=("POST", "cancel/"),
        rpc="CancelUserTaskRun",
        message=lambda question: lh.CancelUserTaskRunRequest(user_task_run_id=id_of(question.run)),
        button="cancel",
        typed={"move-sure": "1"},
        action=Action.CANCEL,
    ),
}


class Door(Protocol):
    @property
    def name(self) -> str:
        """As the audit writes it."""

    def has(self, verb: Verb, named: str | None) -> bool: ...
    def ask(self, verb: Verb, question: Question) -> str: ...


@dataclass(frozen=True)
class Rest:
    caller: Caller
    name: str = "rest"

    def has(self, verb: Verb, named: str | None) -> bool:
        return True

    def ask(self, verb: Verb, question: Question) -> str:
        method, path = verb.rest
        path = f"user-task-runs/{question.run.id.hex}/{path}"
        body = verb.body(question) if verb.body else {}
        match method:
            case "POST":
                answer = self.caller.post(path, body)
            case "PATCH":
                answer = self.caller.patch(path, body)
            case "DELETE":
                answer = self.caller.delete(path)
            case _:
                answer = self.caller.get(path)
        if answer.status_code < 300:
            return YES
        code = str(answer.json()["code"])
        return code if answer.status_code == HTTP_STATUS[code] else f"{code} as {answer.status_code}"


@dataclass(frozen=True)
class Grpc:
    client: Client
    name: str = "grpc"

    def has(self, verb: Verb, named: str | None) -> bool:
        return verb.rpc is not None

    def ask(self, verb: Verb, question: Question) -> str:
        assert verb.rpc
        assert verb.message
        try:
            getattr(self.client, verb.rpc)(verb.message(question))
        except grpc.RpcError as error:
            word = str(dict(error.trailing_metadata())[CODE_KEY])
            return word if error.code() is STATUSES[word] else f"{word} as {error.code().name}"
        return YES


TITLES = {kind.title: kind.code for kind in Refused.__subclasses__()}
"""The headline of a refusal → its code."""


@dataclass(frozen=True)
class Page:
    """A browser that has the page of the run before it, as it is now."""

    browser: Browser
    name: str = "page"

    def has(self, verb: Verb, named: str | None) -> bool:
        return named is None  # nobody signs in as a service that acts for others

    def ask(self, verb: Verb, question: Question) -> str:
        path = f"/inbox/tasks/{question.run.id.hex}/"
        if not verb.button:
            return self._word(self.browser.get(path))
        form = {"action": verb.button, "version": str(question.run.version), **verb.typed}
        return self._word(self.browser.post(path, form))

    def _word(self, answer: Any) -> str:
        if (answer.status_code == 302 and not answer["Location"].startswith("/sign-in/")) or answer.status_code == 200:
            return YES
        if answer.status_code in (302, 401):
            return "not_signed_in" if answer.status_code == 302 or b"Password" in answer.content else "?"
        if answer.status_code == 404:
            return "not_found"
        code = TITLES[answer.context["trouble"].headline]
        return code if answer.status_code == HTTP_STATUS[code] else f"{code} as {answer.status_code}"


def word_of_the_domain(verb: Verb, question: Question, by: Actor) -> str:
    """What the operation itself answers; what it did is taken back."""
    with transaction.atomic():
        try:
            verb.domain(question, by)
        except Refused as refusal:
            return refusal.code
        finally:
            transaction.set_rollback(True)
    return YES


def _look(run: UserTaskRun, by: Actor) -> None:
    if not decide(Action.VIEW, run, by).allowed:
        raise errors.NotFound("There is no such run.")
