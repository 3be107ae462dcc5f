"""The form with every type of field, as a person with a browser meets it: conditions, keyboard, contrast, zoom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Locator, Page, expect

from tests.barriers import violations
from tests.cast import a_definition, claimed_by
from tests.inbox.pages import signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.every_type import EVERY_ANSWER, EVERY_TYPE
from usertasks.fieldtypes import MAX_BYTES
from usertasks.models import Status, UserTaskField, UserTaskRun

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(alice: User) -> UserTaskRun:
    """A run of the demo's definition with every type of field, which alice has claimed."""
    fields = [UserTaskField(**field) for field in EVERY_TYPE]
    return claimed_by(alice, definition=a_definition("every-field-type", fields))


def let_in(page: Page, user: User, live_server: Any) -> None:
    """Sign somebody in, who writes no drafts: a page that closes would send its last one into the next test."""
    page.route("**/draft.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    session = signed_in(user).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])


@pytest.fixture
def form(page: Page, alice: User, run: UserTaskRun, live_server: Any) -> Iterator[Page]:
    """The page of the run; nothing on its console may be an error (as a breach of the CSP is)."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    let_in(page, alice, live_server)
    page.goto(live_server.url + task_url(run))
    yield page
    assert [error for error in errors if "status of 422" not in error] == []


def question(form: Page, label: str) -> Locator:
    return form.get_by_label(label, exact=True)


def test_a_question_comes_and_goes_and_keeps_what_was_typed(form: Page, run: UserTaskRun) -> None:
    expect(question(form, "Why not?")).to_be_hidden()
    decision = form.get_by_role("group", name="Yes or no")
    decision.get_by_label("No", exact=True).check()
    question(form, "Why not?").fill("Because")
    decision.get_by_label("Yes").check()
    expect(question(form, "Why not?")).to_be_hidden()
    decision.get_by_label("No", exact=True).check()
    expect(question(form, "Why not?")).to_have_value("Because")
    question(form, "Something else").check()
    question(form, "Which other?").fill("Patience")
    question(form, "Short text").fill("Hello")
    form.get_by_role("button", name="Complete").click()
    expect(form.get_by_role("status").first).to_be_visible()
    run.refresh_from_db()
    assert run.results == {
        "text": "Hello", "urgency": 2, "skills": ["Something else"], "otherSkill": "Patience",
        "yesOrNo": False, "whyNot": "Because",
    }  # fmt: skip


def test_what_is_hidden_when_it_is_sent_is_not_kept(form: Page, run: UserTaskRun) -> None:
    decision = form.get_by_role("group", name="Yes or no")
    decision.get_by_label("No", exact=True).check()
    question(form, "Why not?").fill("Because")
    decision.get_by_label("Yes").check()
    form.get_by_role("button", name="Save progress").click()
    expect(form.get_by_text("Your progress is saved.")).to_be_visible()
    run.refresh_from_db()
    assert run.results == {"urgency": 2, "yesOrNo": True}
    expect(question(form, "Why not?")).to_be_hidden()


def test_without_javascript_every_question_says_when_it_counts(
    browser: Browser, alice: User, run: UserTaskRun, live_server: Any
) -> None:
    page = browser.new_context(base_url=live_server.url, java_script_enabled=False).new_page()
    let_in(page, alice, live_server)
    page.goto(task_url(run))
    expect(question(page, "Why not?")).to_be_visible()
    expect(page.get_by_text("Only if “Yes or no” is No.")).to_be_visible()
    expect(page.get_by_text("Only if “Some of a few” includes Something else.")).to_be_visible()
    question(page, "Short text").fill("Hello")
    question(page, "Why not?").fill("Nobody asked")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("status")).to_be_visible()
    run.refresh_from_db()
    assert (run.status, run.results) == (Status.DONE, {"text": "Hello", "urgency": 2})
    page.context.close()


def test_a_chain_of_questions_follows_the_first(page: Page, alice: User, live_server: Any) -> None:
    fields = [
        UserTaskField(name="a", type="BOOL", required=False),
        UserTaskField(name="b", type="INT", presentation={"show_if": {"field": "a", "equals": True}}),
        UserTaskField(name="c", type="STR", presentation={"show_if": {"field": "b", "in": [1, 2]}}),
        UserTaskField(name="d", type="STR", presentation={"show_if": {"field": "b", "answered": False}}),
    ]
    run = claimed_by(alice, definition=a_definition("chain", fields))
    let_in(page, alice, live_server)
    page.goto(live_server.url + task_url(run))

    def shown() -> str:
        return "".join(name for name in "bcd" if page.locator(f"[data-name={name}]").is_visible())

    assert shown() == "d"
    page.get_by_label("Yes").check()
    assert shown() == "bd"
    question(page, "b").fill("2")
    assert shown() == "bc"
    question(page, "b").fill("3")
    assert shown() == "b"
    page.get_by_label("No", exact=True).check()
    assert shown() == "d"


def test_half_a_date_is_pointed_out_and_not_sent(form: Page, run: UserTaskRun) -> None:
    moment = question(form, "Date and time")
    moment.press("0")
    moment.press("5")
    form.get_by_role("button", name="Save progress").click()
    expect(form.get_by_role("alert")).to_contain_text("not complete")
    expect(moment).to_be_focused()
    run.refresh_from_db()
    assert run.version == 2


def test_a_file_says_how_large_it_is_before_it_is_sent(form: Page) -> None:
    chosen = question(form, "File")
    chosen.set_input_files({"name": "scan.bin", "mimeType": "", "buffer": b"x" * 2048})
    expect(form.get_by_text("2 KiB", exact=True)).to_be_visible()
    chosen.set_input_files({"name": "scan.bin", "mimeType": "", "buffer": b"x" * (MAX_BYTES + 1)})
    expect(form.get_by_text("larger than 1 MiB")).to_be_visible()


def test_the_whole_form_is_filled_in_with_the_keyboard_alone(form: Page, run: UserTaskRun) -> None:
    question(form, "Short text").focus()
    seen = []
    for _ in range(60):
        focused = form.evaluate("document.activeElement.closest('[data-name]')?.dataset.name ?? ''")
        seen.append(focused)
        covered = form.evaluate(
            """() => {
                const bar = document.querySelector('#task-form .buttons').getBoundingClientRect();
                const focused = document.activeElement;
                return !focused.closest('.buttons') && focused.getBoundingClientRect().top >= bar.top;
            }"""
        )
        assert not covered, f"the buttons cover {focused}"
        if focused == "text":
            form.keyboard.type("Hello")
        if focused == "yesOrNo":
            form.keyboard.press("ArrowUp")
        if focused == "whyNot":
            form.keyboard.type("Because")
        if form.evaluate("document.activeElement.value") == "complete":
            break
        form.keyboard.press("Tab")
    form.keyboard.press("Enter")
    expect(form.get_by_role("status").first).to_be_visible()
    run.refresh_from_db()
    assert (run.status, run.results["text"], run.results["whyNot"]) == (Status.DONE, "Hello", "Because")
    expected = [field["name"] for field in EVERY_TYPE if field["name"] != "otherSkill"]
    assert [name for name in dict.fromkeys(seen) if name] == expected


def test_the_contents_lead_to_each_section_and_a_mistake_to_its_field(form: Page) -> None:
    form.get_by_role("link", name="Files and data").click()
    expect(form.get_by_role("heading", name="Files and data")).to_be_in_viewport()
    question(form, "Whole number").fill("eleven")
    form.get_by_role("button", name="Complete").click()
    expect(question(form, "Whole number")).to_have_value("eleven")
    form.get_by_role("alert").get_by_role("link", name="Whole number").click()
    expect(question(form, "Whole number")).to_be_focused()
    expect(question(form, "Whole number")).to_be_in_viewport()


def test_a_person_is_suggested_from_the_group(form: Page, run: UserTaskRun, bob: User, charlie: User) -> None:
    form.reload()
    suggested = form.locator("#id_results-person_people option").evaluate_all("all => all.map(one => one.value)")
    assert suggested == ["alice", "bob"]
    question(form, "Companion").fill("somebody else")
    form.get_by_role("button", name="Save progress").click()
    expect(question(form, "Companion")).to_have_value("somebody else")


@pytest.fixture
def filled_in(alice: User, run: UserTaskRun) -> UserTaskRun:
    """The same run with every answer saved."""
    return operations.save_progress(run.id, EVERY_ANSWER, by=actor_for(alice))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_form_has_no_accessibility_violations(form: Page, filled_in: UserTaskRun, theme: Any, width: int) -> None:
    form.set_viewport_size({"width": width, "height": 740})
    form.emulate_media(color_scheme=theme, reduced_motion="reduce")
    form.reload()
    problems = {"filled in": violations(form)}
    question(form, "Whole number").fill("eleven")
    question(form, "JSON object").fill("{")
    question(form, "Short text").fill("")
    form.get_by_role("button", name="Complete").click()
    expect(form.get_by_role("alert")).to_be_visible()
    problems["mistakes"] = violations(form)
    assert problems == {"filled in": [], "mistakes": []}
    assert width_of_content(form) <= width


@pytest.mark.parametrize(("width", "height"), [(640, 360), (320, 256)])
def test_zoomed_in_nothing_is_cut_off(form: Page, filled_in: UserTaskRun, width: int, height: int) -> None:
    """A window of 1280 by 720 at 200 %, and the 320 by 256 of WCAG 1.4.10: what is left of it, in CSS pixels."""
    form.set_viewport_size({"width": width, "height": height})
    form.reload()
    assert width_of_content(form) <= width
    cut_off = form.locator("#task-form").evaluate(
        """form => [...form.querySelectorAll('input:not([type=hidden]), select, textarea, label, button')]
            .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth)
            .map(one => one.outerHTML)"""
    )
    assert cut_off == []
    assert form.locator("#task-form .buttons").evaluate("bar => getComputedStyle(bar).position") == "static"


def width_of_content(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width
