"""What is kept about a person is handed out whole, and made anonymous everywhere, and the audit stays intact."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import CharField, JSONField, TextField
from django.test import Client
from django.utils import timezone

from tests.audit.histories import names, report, sql
from tests.cast import a_run, a_user, claimed_by, done_by
from usertasks import bulk, drafts, leads, operations, uploads
from usertasks.actors import Actor, Door, Origin, actor_for
from usertasks.audit import seal
from usertasks.drafts import Writing
from usertasks.errors import Refused
from usertasks.models import (
    ApiToken,
    Draft,
    DraftState,
    GroupLead,
    Mail,
    Preferences,
    Refusal,
    SavedFilter,
    Snooze,
    Substitution,
    Upload,
    UserTaskComment,
    UserTaskEvent,
    UserTaskRun,
    WebhookEndpoint,
)
from usertasks.personal_data import Renaming

pytestmark = pytest.mark.django_db

WHO = "leia.organa"
ADDRESS = "192.0.2.77"


@pytest.fixture
def leia(db: None) -> User:
    return a_user(WHO, groups=["finance"], email=f"{WHO}@example.com", first_name="Leia", last_name="Organa")


def a_life(leia: User, bob: User, service: User) -> UserTaskRun:
    """Everything that somebody can leave behind; the run that they have done."""
    now = timezone.now()
    her = actor_for(leia, origin=Origin(Door.REST, ADDRESS))
    run = done_by(leia)
    operations.add_comment(run.id, "mine", by=her)
    operations.add_comment(run.id, f"thank you, {WHO}!", by=actor_for(bob))
    theirs = claimed_by(bob, notes=f"ask {WHO}. Or somebody else", excluded_user_ids=[WHO])
    operations.save_progress(theirs.id, {"requestedItem": WHO, "justification": f'for "{WHO}"'}, by=actor_for(bob))
    drafts.write(theirs.id, Writing({"answer-requestedItem": [f"from {WHO}"]}), by=actor_for(bob), now=now)
    drafts.write(theirs.id, Writing({"answer-requestedItem": [""]}), by=actor_for(bob), now=now)
    timers = [{"hook": "ON_ARRIVAL", "delay_seconds": 60, "reassign": {"user_id": WHO, "user_group": "finance"}}]
    with_timer = a_run(actions=timers)
    drafts.write(with_timer.id, Writing({"answer-requestedItem": ["half"]}), by=her, now=now)
    uploads.put(with_timer.id, "requestedItem", "portrait.png", b"x", user_id=WHO, now=now)
    Upload.objects.create(
        run=run, user_id=WHO, field="f", name=f"{WHO}, at sea.png", size=1, sha256="", is_answer=True, created_at=now
    )
    operations.complete(a_run().id, {"requestedItem": "x", "justification": "y"}, by=actor_for(service), user_id=WHO)
    bulk.change_many("claim", [a_run().id], {}, by=her)
    operations.assign(UserTaskRun.objects.open().get(user_id=WHO).id, user_id="bob", override_claim=True, by=MANAGER)
    for by, person in ((her, None), (Actor("stranger"), WHO)):
        with suppress(Refused):
            operations.complete(theirs.id, {}, by=by, user_id=person)
    _beside_the_runs(leia, bob)
    seal(now)
    return run


MANAGER = Actor("mona", permissions=frozenset({"view_usertaskrun", "assign_usertaskrun"}))


def _beside_the_runs(leia: User, bob: User) -> None:
    now = timezone.now()
    leads.appoint(WHO, "finance")
    for absent, substitute in ((WHO, "bob"), ("bob", WHO)):
        Substitution.objects.create(
            user_id=absent, substitute_id=substitute, starts_at=now, ends_at=now + timedelta(days=1), named_by=WHO
        )
    _what_people_arrange()
    ApiToken.objects.issue(leia, name="laptop")
    ApiToken.objects.issue(bob, name=f"made by {WHO}", made_by=WHO)
    WebhookEndpoint.objects.create(owner=leia, url="https://example.com/", description=f"of {WHO}")
    for user in (leia, bob):
        Mail.objects.create(
            user=user, kind="assigned", occasion="x", next_attempt_at=now, content={"actor": WHO}, error=f"{WHO}: no"
        )
    LogEntry.objects.create(user=bob, object_repr=WHO, action_flag=CHANGE, change_message=f"token of {WHO}")
    LogEntry.objects.create(
        user=leia, object_repr="x", action_flag=CHANGE, change_message=f"made (page from {ADDRESS})"
    )
    SocialAccount.objects.create(user=leia, provider="company", uid="17", extra_data={"preferred_username": WHO})
    Client().force_login(leia)


def _what_people_arrange() -> None:
    Preferences.objects.create(user_id=WHO, language="fr")
    for user_id in (WHO, "bob"):
        Snooze.objects.create(run=a_run(), user_id=user_id, until=timezone.now())
    mine, looking = f"user_id={WHO}&status=ASSIGNED", f"text=from+{WHO}&sort=due"
    for user_id, user_group in ((WHO, None), (WHO, "finance"), ("bob", None)):
        name = f"{WHO} {user_group}"
        SavedFilter.objects.create(user_id=user_id, user_group=user_group, name=name, box="all", query=mine)
    SavedFilter.objects.create(user_id="bob", name=f"{WHO} {'x' * 47}", box="all", query=looking)


def anonymise(user_id: str = WHO, **options: Any) -> str:
    out = io.StringIO()
    call_command("anonymise_person", user_id, **options, stdout=out)
    return out.getvalue()


def texts() -> Iterator[tuple[str, str]]:
    """Every text and every JSON value of every table, as text, with its place."""
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, CharField | TextField | JSONField):
                for value in model._default_manager.values_list(column.name, flat=True):
                    yield f"{model.__name__}.{column.name}", json.dumps(value, ensure_ascii=False)


def places_of(word: str) -> set[str]:
    return {place for place, text in texts() if word in text}


def test_nothing_in_any_table_names_who_was_made_anonymous(leia: User, bob: User, service: User) -> None:
    run = a_life(leia, bob, service)
    before = places_of(WHO)
    assert len(before) >= 20
    assert ADDRESS in str(list(UserTaskEvent.objects.values())) + str(list(Refusal.objects.values()))
    told = anonymise(pseudonym="former-1")
    assert "Still" not in told
    assert places_of(WHO) == set()
    for text in ("Organa", ADDRESS):
        assert places_of(text) == set()
    assert ADDRESS not in str(list(UserTaskEvent.objects.values())) + str(list(Refusal.objects.values()))
    assert report().is_intact
    fresh = UserTaskRun.objects.get(pk=run.pk)
    assert (fresh.user_id, fresh.results) == ("former-1", run.results)
    comments = list(run.comments.values_list("user_id", "comment"))
    assert comments == [("former-1", "mine"), ("bob", "thank you, former-1!")]
    assert [event.actor for event in run.events.all()] == ["engine", "former-1", "former-1", "former-1", "bob"]
    assert Refusal.objects.filter(on_behalf_of="former-1", actor="stranger").exists()


def test_what_was_theirs_alone_is_gone_and_nobody_signs_in_any_more(leia: User, bob: User, service: User) -> None:
    a_life(leia, bob, service)
    assert Session.objects.count() == 1
    anonymise(pseudonym="former-1")
    leia.refresh_from_db()
    assert (leia.username, leia.email, leia.is_active, leia.has_usable_password()) == ("former-1", "", False, False)
    assert not leia.groups.exists()
    assert not Session.objects.exists()
    assert not SocialAccount.objects.exists()
    assert set(ApiToken.objects.values_list("user__username", flat=True)) == {"bob"}
    assert set(Draft.objects.values_list("user_id", flat=True)) == {"bob"}
    assert DraftState.objects.exists()
    assert not Upload.objects.filter(is_answer=False).exists()
    assert not GroupLead.objects.exists()
    assert set(Mail.objects.values_list("user__username", flat=True)) <= {"bob"}
    assert not WebhookEndpoint.objects.get().active
    assert not Preferences.objects.exists()
    assert Snooze.objects.get().user_id == "bob"


def test_a_saved_filter_of_others_or_for_others_stays_without_the_name(leia: User, bob: User) -> None:
    _what_people_arrange()
    anonymise(pseudonym="somebody-whose-name-is-longer")
    shared = SavedFilter.objects.get(user_group="finance")
    assert (shared.user_id, shared.query) == (
        "somebody-whose-name-is-longer",
        "user_id=somebody-whose-name-is-longer&status=ASSIGNED",
    )
    words, whole = SavedFilter.objects.filter(user_id="bob").order_by("query")
    assert words.query == "text=from+somebody-whose-name-is-longer&sort=due"
    assert whole.query == shared.query
    assert len(words.name) == SavedFilter._meta.get_field("name").max_length


def test_a_name_is_found_in_a_saved_filter_however_it_is_spelled() -> None:
    kept = SavedFilter.objects.create(
        user_id="bob", name="hers", box="all", query="user_id=zo%C3%AB%40x.org&user_group=zo%C3%AB%40x.org"
    )
    anonymise("zoë@x.org", pseudonym="former-1")
    kept.refresh_from_db()
    assert kept.query == "user_id=former-1&user_group=zo%C3%AB%40x.org"


def test_open_runs_are_given_to_somebody_else_first(leia: User) -> None:
    claimed_by(leia)
    with pytest.raises(CommandError, match="1 open runs"):
        anonymise()
    assert places_of(WHO)
    assert User.objects.get(username=WHO).is_active


def test_a_dry_run_says_where_the_person_is_named_and_changes_nothing(leia: User) -> None:
    done_by(leia)
    ApiToken.objects.create(user=leia, digest="x")
    Client().force_login(leia)
    before = sorted(texts())
    told = anonymise(dry_run=True)
    assert "2 events (actor)" in told
    assert "Would be deleted: 1 sessions, 1 tokens." in told
    assert "Nothing was changed" in told
    assert sorted(texts()) == before


def test_words_of_people_stay_as_they_are_if_that_is_wanted(leia: User, bob: User) -> None:
    run = done_by(leia)
    operations.add_comment(run.id, f"thank you, {WHO}!", by=actor_for(bob))
    told = anonymise(keep_texts=True)
    assert UserTaskComment.objects.get().comment == f"thank you, {WHO}!"
    assert places_of(WHO) == {"UserTaskComment.comment", "UserTaskEvent.data"}
    assert "Still named in: 1 event (data), 1 comment (comment)." in told
    assert report().is_intact


def test_what_never_changes_is_reported(leia: User) -> None:
    operations.put_definition(
        "it-request", [], by=Actor("x", permissions=frozenset({"add_usertaskdef"})), description=WHO
    )
    assert "Still named in: 1 definition (description)" in anonymise()


def test_an_event_that_was_tampered_with_stays_found(leia: User) -> None:
    run = done_by(leia)
    seal(timezone.now())
    sql("UPDATE usertasks_usertaskevent SET door = 'grpc' WHERE run_id = %s AND number = 2", run.pk)
    anonymise()
    assert places_of(WHO) == set()
    assert names(report()) == [f"run {run.id.hex}, event 2"]


def test_a_name_that_somebody_has_is_no_pseudonym(leia: User, bob: User) -> None:
    for pseudonym in ("bob", WHO, " ", "x" * 151):
        with pytest.raises(CommandError):
            anonymise(pseudonym=pseudonym)
    assert User.objects.get(username=WHO).is_active


def test_somebody_without_an_account_is_made_anonymous_twice_without_harm() -> None:
    run = a_run(user_id="lando")
    operations.complete(run.id, {"requestedItem": "x", "justification": "y"}, by=Actor("lando"))
    anonymise("lando", pseudonym="former-1")
    anonymise("lando", pseudonym="former-2")
    assert UserTaskRun.objects.get().user_id == "former-1"
    assert report().is_intact
    anonymise("former-1", pseudonym="former-3")
    assert UserTaskRun.objects.get().user_id == "former-3"
    assert report().is_intact


@pytest.mark.parametrize("options", [{}, {"dry_run": True}], ids=str)
def test_somebody_who_is_named_nowhere_is_said_to_be(options: dict[str, Any]) -> None:
    assert anonymise("nobody", **options) == "nobody is named nowhere; nothing was changed.\n"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("anna", "X"),
        ("anna, please", "X, please"),
        ("ask anna.", "ask X."),
        ("(anna) and @anna", "(X) and @anna"),
        ("anna@example.com", "X@example.com"),
        ("hanna annas anna_b", "hanna annas anna_b"),
        ("anna.smith and anna-maria", "anna.smith and anna-maria"),
        ("smith.anna and maria-anna", "smith.anna and maria-anna"),
        ("Anna", "Anna"),
    ],
)
def test_a_name_is_a_word_of_its_own(text: str, becomes: str) -> None:
    assert Renaming("anna", "X").text(text) == becomes


def test_a_group_may_be_called_like_a_person() -> None:
    data = {"user_id": "anna", "user_group": "anna", "new_user_group": "anna", "list": ["anna", {"x": 1}]}
    renamed = {"user_id": "X", "user_group": "anna", "new_user_group": "anna", "list": ["X", {"x": 1}]}
    assert Renaming("anna", "X").json(data) == renamed


def test_an_odd_name_is_found_however_the_database_writes_it() -> None:
    odd = 'andr\u00e9 "the\\giant"\U0001f600'
    run = a_run(user_id=odd, notes=f"for {odd}")
    operations.complete(run.id, {"requestedItem": odd, "justification": "y"}, by=Actor(odd))
    anonymise(odd)
    assert places_of("andr\u00e9") == set()
    assert report().is_intact


def exported(user_id: str = WHO, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("export_person", user_id, **options, stdout=out)
    return json.loads(out.getvalue()) if out.getvalue() else {}


def test_all_that_is_kept_about_a_person_is_handed_out(leia: User, bob: User, service: User, tmp_path: Path) -> None:
    run = a_life(leia, bob, service)
    told = exported()
    account = told["account"]
    assert (account["email"], account["groups"]) == (f"{WHO}@example.com", ["finance", "lead"])
    assert [token["name"] for token in account["api_tokens"]] == ["laptop"]
    assert len(account["mails"]) >= 1
    assert told["leads"] == ["finance"]
    assert len(told["substitutions"]) == 2
    assert len(told["excluded_from"]) == 1
    assert run.id.hex in {one["id"] for one in told["runs"]}
    assert {event["address"] for event in told["events"]} == {None, ADDRESS}
    assert [comment["comment"] for comment in told["comments"]] == ["mine"]
    assert told["drafts"][0]["inputs"] == {"answer-requestedItem": ["half"]}
    assert len(told["files"]) == 2
    assert {refusal["actor"] for refusal in told["refusals"]} == {WHO, "stranger"}
    assert len(told["bulk_changes"]) == 1
    assert [row["language"] for row in told["preferences"]] == ["fr"]
    assert (len(told["snoozes"]), len(told["saved_filters"])) == (1, 2)
    said = json.dumps(told)
    for secret in (
        *ApiToken.objects.values_list("digest", flat=True),
        WebhookEndpoint.objects.get().secret,
        leia.password,
    ):
        assert secret not in said
    path = tmp_path / "leia.json"
    assert exported(output=path) == {}
    assert json.loads(path.read_text())["user_id"] == WHO


def test_nothing_is_kept_about_somebody_nobody_knows() -> None:
    told = exported("nobody")
    assert told.pop("user_id") == "nobody"
    assert not any(told.values())
