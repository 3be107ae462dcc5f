"""Files that people choose: kept with the draft, theirs alone until they are saved, and never a page of ours."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.cast import a_definition, a_run, claimed_by
from tests.inbox.pages import press, signed_in, task_url
from usertasks import operations
from usertasks.actors import actor_for
from usertasks.drafts import draft_of
from usertasks.fieldtypes import MAX_BYTES
from usertasks.models import Upload, UserTaskField, UserTaskRun
from usertasks.uploads import MAX_UPLOADS, name_of

SCAN = "results-scan"
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
EXECUTABLE = b"\x7fELF\x02\x01\x01" + bytes(100)
HEADERS = {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def asking_for_files(user: User, count: int = 1) -> UserTaskRun:
    names = ["scan", *(f"scan{number}" for number in range(1, count))]
    fields = [UserTaskField(name=name, type="BYTES", required=False) for name in names]
    return claimed_by(user, definition=a_definition(f"scans-{count}", fields))


def a_file(content: bytes = b"scanned", name: str = "scan.bin") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def save(client: Client, run: UserTaskRun, **inputs: Any) -> Any:
    """What the script of alice's page sends."""
    return client.post(f"{task_url(run)}draft/", {"username": "alice", "version": run.version, "page": "aa", **inputs})


def reference(upload: Upload) -> str:
    return f"upload:{upload.id.hex}"


def saved(run: UserTaskRun) -> dict[str, Any]:
    run.refresh_from_db()
    results: dict[str, Any] = run.results
    return results


def stored() -> list[Path]:
    return [path for path in (Path(settings.MEDIA_ROOT) / "uploads").rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def _empty_storage(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def is_given_out_safely(response: Any) -> bool:
    disposition = response["Content-Disposition"]
    return {name: response[name] for name in HEADERS} == HEADERS and disposition.startswith("attachment")


def test_a_file_travels_once_and_is_there_on_another_device(alice: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    answer = save(client, run, **{SCAN: a_file()}).json()
    upload = Upload.objects.get()
    url = f"{task_url(run)}uploads/{upload.id.hex}/"
    assert answer["files"] == {SCAN: {"kept": reference(upload), "name": "scan.bin", "url": url}}
    html = signed_in(alice).get(task_url(run)).content.decode()
    assert f'name="{SCAN}-kept" value="{reference(upload)}"' in html
    assert "scan.bin" in html
    assert signed_in(alice).get(url).content == b"scanned"
    assert press(client, run, "save_progress", **{f"{SCAN}-kept": reference(upload)}).status_code == 302
    assert saved(run) == {"scan": base64.b64encode(b"scanned").decode()}


def test_a_saved_file_is_had_under_its_own_name_and_leaves_the_storage(
    alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    with django_capture_on_commit_callbacks(execute=True):
        press(client, run, "complete", **{SCAN: a_file(name="Bericht 😀.pdf")})
    assert stored() == []
    response = client.get(f"{task_url(run)}files/0/")
    assert response.content == b"scanned"
    assert is_given_out_safely(response)
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''Bericht%20%F0%9F%98%80.pdf"


@pytest.mark.parametrize(
    ("content", "name"),
    [(EXECUTABLE, "cat.png"), (HTML, "page.html"), (SVG, "drawing.svg"), (HTML, 'a"\r\nSet-Cookie: x=y.html')],
)
def test_whatever_a_file_is_it_is_given_out_as_bytes_to_save(alice: User, content: bytes, name: str) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    save(client, run, **{SCAN: a_file(content, name)})
    upload = Upload.objects.get()
    mine = client.get(f"{task_url(run)}uploads/{upload.id.hex}/")
    press(client, run, "save_progress", **{f"{SCAN}-kept": reference(upload)})
    answer = client.get(f"{task_url(run)}files/0/")
    assert mine.content == answer.content == content
    assert is_given_out_safely(mine)
    assert is_given_out_safely(answer)
    assert "Set-Cookie" not in mine


def test_nothing_of_a_name_decides_where_a_file_lies(alice: User) -> None:
    run = asking_for_files(alice)
    save(signed_in(alice), run, **{SCAN: a_file(name="../../../evil 😀.html")})
    upload, (path,) = Upload.objects.get(), stored()
    assert path.relative_to(settings.MEDIA_ROOT) == Path("uploads") / upload.id.hex[:2] / upload.id.hex
    assert upload.name == "evil 😀.html"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\alice\\plan.doc", "plan.doc"),
        ("a\r\nb\0c.txt", "abc.txt"),
        ("annexe\u202egnp.exe", "annexegnp.exe"),
        ("👩\u200d👩\u200d👧.png", "👩\u200d👩\u200d👧.png"),
        ("..", "file"),
        ("", "file"),
        (" .htaccess", "htaccess"),
        ("x" * 300 + ".pdf", "x" * 129 + ".pdf"),
        ("x" * 300, "x" * 150),
        ("x." + "y" * 300, "x." + "y" * 20),
    ],
)
def test_names_are_cleaned(given: str, name: str) -> None:
    assert name_of(given) == name


def test_a_file_of_the_limit_is_taken_and_one_byte_more_is_not(alice: User) -> None:
    run, client = asking_for_files(alice, 2), signed_in(alice)
    most, more = b"x" * MAX_BYTES, b"x" * (MAX_BYTES + 1)
    assert list(save(client, run, **{SCAN: a_file(most), f"{SCAN}1": a_file(more)}).json()["files"]) == [SCAN]
    response = press(client, run, "save_progress", **{SCAN: a_file(most), f"{SCAN}1": a_file(more)})
    assert response.status_code == 422
    assert list(response.context["page"].form.errors) == ["scan1"]
    press(client, run, "save_progress", **{f"{SCAN}-kept": reference(Upload.objects.get())})
    assert saved(run) == {"scan": base64.b64encode(most).decode()}


def test_an_empty_file_is_refused_beside_its_field(alice: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    assert save(client, run, **{SCAN: a_file(b"")}).json()["files"] == {}
    response = press(client, run, "complete", **{SCAN: a_file(b"")})
    assert response.status_code == 422
    assert list(response.context["page"].form.errors) == ["scan"]
    assert not Upload.objects.exists()


def test_fifty_files_at_once(alice: User) -> None:
    run, client = asking_for_files(alice, MAX_UPLOADS), signed_in(alice)
    names = [SCAN, *(f"{SCAN}{number}" for number in range(1, MAX_UPLOADS))]
    files = {name: a_file(name.encode(), f"{name}.bin") for name in names}
    kept = {name: file["kept"] for name, file in save(client, run, **files).json()["files"].items()}
    assert list(kept) == names
    assert len(stored()) == MAX_UPLOADS
    assert press(client, run, "complete", **{f"{name}-kept": kept[name] for name in names}).status_code == 302
    assert [base64.b64decode(value).decode() for value in saved(run).values()] == names


def test_past_so_many_files_those_that_no_draft_means_make_room(
    alice: User, django_capture_on_commit_callbacks: Any
) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(MAX_UPLOADS + 5):
            assert save(client, run, **{SCAN: a_file(str(number).encode())}).json()["files"]
    assert len(stored()) == Upload.objects.count() <= MAX_UPLOADS
    assert signed_in(alice).get(task_url(run)).content.decode().count("upload:") == 1


def test_the_same_file_again_takes_no_more_room(alice: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    first, second = (save(client, run, **{SCAN: a_file()}).json()["files"] for _ in range(2))
    assert first == second
    assert len(stored()) == 1


def test_a_file_that_is_removed_is_not_saved(alice: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    kept = save(client, run, **{SCAN: a_file()}).json()["files"][SCAN]["kept"]
    press(client, run, "save_progress", **{f"{SCAN}-kept": kept, f"{SCAN}-removed": "1"})
    assert saved(run) == {}


def test_a_file_that_was_chosen_anew_is_saved_though_the_old_one_is_removed(alice: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    kept = save(client, run, **{SCAN: a_file()}).json()["files"][SCAN]["kept"]
    new = {SCAN: a_file(b"new"), f"{SCAN}-kept": kept, f"{SCAN}-removed": "1"}
    press(client, run, "save_progress", **new)
    assert saved(run) == {"scan": base64.b64encode(b"new").decode()}


def test_nobody_else_can_use_or_read_an_upload(alice: User, bob: User, mona: User) -> None:
    fields = [UserTaskField(name="scan", type="BYTES", required=False)]
    run = a_run(a_definition("scans", fields))
    save(signed_in(alice), run, **{SCAN: a_file()})
    upload = Upload.objects.get()
    for user in (bob, mona):
        assert signed_in(user).get(f"{task_url(run)}uploads/{upload.id.hex}/").status_code == 404
    response = press(signed_in(bob), run, "save_progress", **{f"{SCAN}-kept": reference(upload)})
    assert response.status_code == 422
    assert list(response.context["page"].form.errors) == ["scan"]
    assert saved(run) == {}


@pytest.mark.parametrize("kept", ["upload:" + "0" * 32, "upload:", "upload:../../etc/passwd"])
def test_a_reference_to_nothing_is_refused_beside_its_field(alice: User, kept: str) -> None:
    run = asking_for_files(alice)
    response = press(signed_in(alice), run, "save_progress", **{f"{SCAN}-kept": kept})
    assert response.status_code == 422
    assert list(response.context["page"].form.errors) == ["scan"]


def test_an_upload_belongs_to_its_field_and_its_task(alice: User) -> None:
    run, other, client = asking_for_files(alice, 2), asking_for_files(alice, 2), signed_in(alice)
    kept = save(client, run, **{SCAN: a_file()}).json()["files"][SCAN]["kept"]
    assert press(client, run, "save_progress", **{f"{SCAN}1-kept": kept}).status_code == 422
    assert press(client, other, "save_progress", **{f"{SCAN}-kept": kept}).status_code == 422


def test_a_file_whose_content_the_storage_lost_is_asked_for_again(alice: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    kept = save(client, run, **{SCAN: a_file()}).json()["files"][SCAN]["kept"]
    stored()[0].unlink()
    assert client.get(task_url(run)).status_code == 200
    assert press(client, run, "complete", **{f"{SCAN}-kept": kept}).status_code == 422


def test_what_is_out_of_sight_has_no_room_for_files(alice: User) -> None:
    hidden = a_run(user_group="it")
    assert save(signed_in(alice), hidden, **{SCAN: a_file()}).status_code == 404
    assert press(signed_in(alice), hidden, "complete", **{SCAN: a_file()}).status_code == 404
    assert not Upload.objects.exists()


def test_a_task_that_was_moved_away_gives_the_file_back(alice: User, mona: User) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    save(client, run, **{SCAN: a_file()})
    operations.assign(run.id, by=actor_for(mona), user_id="charlie", override_claim=True)
    url = f"{task_url(run)}uploads/{Upload.objects.get().id.hex}/"
    page = client.get(task_url(run))
    assert page.status_code == 404
    assert f'href="{url}"' in page.content.decode()
    assert client.get(url).content == b"scanned"


def test_only_those_who_may_see_the_task_get_its_files(alice: User, bob: User, charlie: User, mona: User) -> None:
    run = asking_for_files(alice)
    press(signed_in(alice), run, "complete", **{SCAN: a_file()})
    url = f"{task_url(run)}files/0/"
    statuses = {user.username: signed_in(user).get(url).status_code for user in (alice, bob, charlie, mona)}
    assert statuses == {"alice": 200, "bob": 200, "charlie": 404, "mona": 200}
    assert Client().get(url).status_code == 302


def test_no_file_is_served_from_where_it_lies(alice: User) -> None:
    save(signed_in(alice), asking_for_files(alice), **{SCAN: a_file()})
    path = stored()[0].relative_to(settings.MEDIA_ROOT)
    for prefix in ("/", "/media/", "/static/"):
        assert signed_in(alice).get(f"{prefix}{path}").status_code in (301, 404)


def test_throwing_away_throws_the_file_away(alice: User, django_capture_on_commit_callbacks: Any) -> None:
    run, client = asking_for_files(alice), signed_in(alice)
    known = save(client, run, **{SCAN: a_file()}).json()["saved_at"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(task_url(run), {"action": "discard", "username": "alice", "draft": known})
    assert (stored(), draft_of(run.id, "alice")) == ([], None)
