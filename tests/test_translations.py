"""Every text is marked, every marked text is translated into every language, and programs are answered in English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from scanners.translations import PLURALS, ROOT, flaws, flaws_of_translation, path_of, update
from scanners.unmarked import unmarked_in

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))
LANGUAGES = sorted(PLURALS)

FORM = """<h1>{% translate "My tasks" %}</h1>
{% blocktranslate count count=n trimmed %}
  {{ count }} task
{% plural %}
  {{ count }} tasks
{% endblocktranslate %}"""
SOURCES = {
    "inbox/deeds.py": 'def done() -> str:\n    return _("The task is yours now.")\n',
    "templates/box.html": FORM,
    "inbox/static/inbox/form.js": 'say(_("Finish it."), `${_("Remove it")}`);\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with something to translate in each kind of file, and its fresh catalogs."""
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    update(tmp_path)
    return tmp_path


def translate(project: Path, words: str, text: str) -> None:
    """Into German, as a person does it with an editor."""
    path = path_of(project, "de", "django")
    old, new = f'msgid "{words}"\nmsgstr ""', f'msgid "{words}"\nmsgstr "{text}"'
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def flaws_in_german(project: Path) -> list[str]:
    place = "locale/de/LC_MESSAGES/django."
    return [flaw.removeprefix(place) for flaw in flaws(project) if flaw.startswith(place)]


def test_what_is_marked_is_found_in_python_templates_and_scripts(project: Path) -> None:
    pages, scripts = (path_of(project, "de", domain).read_text() for domain in ("django", "djangojs"))
    assert re.findall(r'^msgid(?:_plural)? "(.+)"', pages, re.MULTILINE) == [
        "The task is yours now.",
        "My tasks",
        "%(count)s task",
        "%(count)s tasks",
    ]
    assert re.findall(r'^msgid "(.+)"', scripts, re.MULTILINE) == ["Finish it.", "Remove it"]
    assert "#: templates/box.html\n" in pages


def test_what_is_translated_stays_and_what_is_gone_goes(project: Path) -> None:
    translate(project, "My tasks", "Meine Aufgaben")
    (project / "inbox/deeds.py").write_text('NAME = _("Release")\n')
    assert "po: is missing: 'Release'" in flaws_in_german(project)
    assert "po: is gone: 'The task is yours now.'" in flaws_in_german(project)
    update(project)
    text = path_of(project, "de", "django").read_text()
    assert 'msgstr "Meine Aufgaben"' in text
    assert 'msgid "Release"\nmsgstr ""' in text
    assert "The task is yours now." not in text


def test_a_catalog_that_was_not_compiled_is_told_of(project: Path) -> None:
    assert "mo: is not what the catalog says" not in flaws_in_german(project)
    translate(project, "My tasks", "Meine Aufgaben")
    assert "mo: is not what the catalog says" in flaws_in_german(project)
    update(project)
    assert "mo: is not what the catalog says" not in flaws_in_german(project)
    path_of(project, "de", "django").unlink()
    assert flaws_in_german(project) == ["po: is missing"]


def test_what_is_fuzzy_is_told_of_and_starts_anew(project: Path) -> None:
    translate(project, "My tasks", "Meine Sachen")
    path = path_of(project, "de", "django")
    path.write_text(path.read_text().replace('msgid "My tasks"', '#, fuzzy\nmsgid "My tasks"'))
    assert "po: is fuzzy: 'My tasks'" in flaws_in_german(project)
    update(project)
    assert "Meine Sachen" not in path.read_text()


def test_writing_again_changes_nothing(project: Path) -> None:
    translate(project, "My tasks", "Meine Aufgaben")
    update(project)
    once = {path: path.read_bytes() for path in (project / "locale").rglob("*.*o")}
    update(project)
    assert once == {path: path.read_bytes() for path in once}
    assert len(once) == 2 * 2 * len(LANGUAGES)


DAYS = ("%(count)d day", "%(count)d days")


@pytest.mark.parametrize(
    ("words", "text", "forms", "found"),
    [
        ("%(who)s has it", "%(who)s hat sie", 2, []),
        ("%(who)s has it", "%(wer)s hat sie", 2, ["has other placeholders than the source"]),
        ("%(who)s has it", "", 2, ["is not translated"]),
        ("100%% of %s", "%s zu 100%%", 2, []),
        ("%s and %s", "%s und", 2, ["has other placeholders than the source"]),
        ("<strong>Due</strong> now", "<b>Jetzt</b>", 2, ["has other tags than the source"]),
        ("Due\n", "Fällig", 2, ["begins or ends with another line break than the source"]),
        ("'%(key)s' must be", "muss '%(key)s' sein", 2, ["does not begin with '%(key)s'"]),
        (DAYS, ("%(count)d Tag", "%(count)d Tage"), 2, []),
        (("one day", "%(count)d days"), ("ein Tag", "%(count)d Tage"), 2, []),
        (DAYS, ("ein Tag", "Tage"), 2, ["has other placeholders than the source"] * 2),
        (DAYS, ("%(count)d Tag", ""), 2, ["is not translated"]),
        (DAYS, ("%(count)d日",), 1, []),
        (DAYS, ("%(count)d日", "%(count)d日"), 1, ["is not translated"]),
    ],
)
def test_what_is_wrong_with_a_translation_is_found(words: Any, text: Any, forms: int, found: list[str]) -> None:
    assert list(flaws_of_translation(Message(words, text), forms)) == found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.html", '<p class="quiet">Nobody <b>{{ name }}</b></p>', ["Nobody"]),
        ("a.html", '<p>{% translate "Nobody" %}: {{ name }} + 12</p>{# words #}{% comment %}words{% endcomment %}', []),
        ("a.html", "{% blocktranslate with a=b %}Nobody {{ a }}{% plural %}All{% endblocktranslate %}", []),
        ("a.html", '<button aria-label="Close it" title="{% translate \'Close\' %}"></button>', ["Close it"]),
        (
            "a.html",
            '<input type="submit" value="Undo"><input name="a" value="typed" placeholder="Search">',
            ["Undo", "Search"],
        ),
        ("a.html", '<code>claim</code><script>let words;</script><a{% if a %} class="b"{% endif %}>usertasks</a>', []),
        (
            "a.html",
            '{{ name|default:"nobody" }}{{ n|pluralize }}{{ a|default:_("nobody") }}',
            ['|default:"nobody', "|pluralize"],
        ),
        ("a.html", '{% include "b.html" with title="My tasks" open="tasks" other=_("Others") %}', ["My tasks"]),
        ("a.html", "{% block main_class %}sign-in{% endblock %}{% block title %}Sign in{% endblock %}", ["Sign in"]),
        ("a.txt", 'Notes:\n{% translate "Due" %}: {{ time }}\n', ["Notes:"]),
    ],
)
def test_words_that_nobody_marked_are_found(tmp_path: Path, name: str, text: str, found: list[str]) -> None:
    (tmp_path / name).write_text(text)
    assert [one.words for one in unmarked_in(tmp_path / name)] == found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_every_word_of_a_template_is_marked(template: Path) -> None:
    assert [str(one) for one in unmarked_in(template)] == []


def test_every_language_of_the_settings_has_catalogs() -> None:
    assert [*LANGUAGES, "en"] == sorted(dict(settings.LANGUAGES), key=lambda language: (language == "en", language))


def test_everything_is_translated() -> None:
    assert list(flaws()) == [], "`make translations` says what is missing; docs/translating.md says how it is done"


ENGLISH = (">My tasks<", ">Settings<", ">Sign out<", ">Skip to the content<")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_in_the_language_that_the_browser_asks_for(alice: User, language: str) -> None:
    client = Client(headers={"Accept-Language": language})
    signed_out = client.get("/sign-in/").text
    client.force_login(alice)
    pages = [signed_out, *(client.get(address).text for address in ("/inbox/", "/inbox/tokens/", "/no-such-page/"))]
    for page in pages:
        assert f'<html lang="{language}">' in page
    left = [words for words in (*ENGLISH, ">Sign in<", ">There is nothing here<") for page in pages if words in page]
    assert left == []


def test_the_words_of_scripts_are_asked_for_once_and_never_by_english_pages(alice: User) -> None:
    assert "/inbox/words/" not in Client(headers={"Accept-Language": "en"}).get("/sign-in/").text
    client = Client(headers={"Accept-Language": "ja"})
    found = re.search(r'<script src="(/inbox/words/ja/\w+/)">', client.get("/sign-in/").text)
    assert found
    words = client.get(found[1])
    assert words.status_code == 200
    assert words.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert words.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "gettext" in words.text
    assert client.get("/inbox/words/ja/0/").headers["Location"] == found[1]
    assert client.get("/inbox/words/en/0/").status_code == client.get("/inbox/words/xx/0/").status_code == 404


def test_programs_are_answered_in_english_after_a_page_in_another_language(admin: User) -> None:
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(admin)
    assert '<html lang="de">' in client.get("/inbox/").text
    assert translation.get_language() == "en"
    answer = client.post("/api/v1/user-task-defs/", "{}", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"]["name"][0]["message"] == "This field is required."
