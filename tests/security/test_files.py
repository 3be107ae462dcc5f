"""What files may be: told by what is in them, not by what somebody calls them; and how much of them is kept."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from jsonschema import Draft202012Validator

from tests.cast import a_definition, claimed_by
from tests.inbox.pages import press, signed_in, task_url
from usertasks import uploads
from usertasks.errors import InvalidArgument, TooLarge
from usertasks.fieldtypes import type_of
from usertasks.models import UserTaskField
from usertasks.signatures import KINDS
from usertasks.validation import Wrong

SAMPLES = {
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "gif": b"GIF89a\1\0\1\0",
    "webp": b"RIFF" + zlib.crc32(b"any").to_bytes(4) + b"WEBPVP8 ",
    "zip": b"PK\x03\x04\x14\0",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "script": b"#!/bin/sh\n",
    "elf": b"\x7fELF\2\1\1",
    "almost": b"%PDF",
    "later": b"\n%PDF-1.7",
    "wave": b"RIFF\0\0\0\0WAVE",
    "nothing": b"",
}
TAKEN = {
    "pdf": {"pdf"},
    "png": {"png"},
    "jpeg": {"jpeg"},
    "image": {"png", "jpeg", "gif", "webp"},
    "scan": {"pdf", "png", "jpeg", "gif", "webp"},
    "zip": {"zip"},
}


def scan(format: str) -> UserTaskField:
    return UserTaskField(name="scan", type="BYTES", required=False, validation={"format": format})


def is_taken(field: UserTaskField, value: str) -> bool:
    return type_of(field).can_be(value, field.validation)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_what_it_begins_with(name: str) -> None:
    field = scan(name)
    values = {kind: base64.b64encode(content).decode() for kind, content in SAMPLES.items()}
    assert {kind for kind, value in values.items() if is_taken(field, value)} == TAKEN[name]
    validator = Draft202012Validator(type_of(field).schema(field))
    assert {kind for kind, value in values.items() if validator.is_valid(value)} == TAKEN[name]


def test_a_file_that_is_cut_off_anywhere_is_the_same_to_server_and_schema() -> None:
    for name in KINDS:
        field = scan(name)
        validator = Draft202012Validator(type_of(field).schema(field))
        for content in SAMPLES.values():
            for length in range(len(content)):
                value = base64.b64encode(content[:length]).decode()
                assert validator.is_valid(value) == is_taken(field, value), (name, content[:length])


def test_what_is_wrong_is_said_in_words() -> None:
    field = scan("pdf")
    with pytest.raises(Wrong) as wrong:
        type_of(field).check(base64.b64encode(SAMPLES["html"]).decode(), field.validation)
    assert (wrong.value.fault.code, wrong.value.fault.message) == ("invalid", "must be a PDF")


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["email", "PDF", "application/pdf", "", 1, None])
def test_a_kind_that_nobody_can_tell_is_refused_when_the_definition_is_put(format: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        a_definition("scans", [scan(format)])
    assert list(refused.value.faults) == ["fields.0.validation"]


@pytest.mark.django_db
def test_the_form_says_what_it_takes_and_keeps_what_it_refuses(alice: User, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    run, client = claimed_by(alice, definition=a_definition("scans", [scan("scan")])), signed_in(alice)
    html = client.get(task_url(run)).content.decode()
    assert 'accept="application/pdf,image/png' in html
    assert "A PDF or an image" in html
    chosen = SimpleUploadedFile("scan.pdf", SAMPLES["html"], content_type="application/pdf")
    refused = press(client, run, "complete", **{"results-scan": chosen})
    assert refused.status_code == 422
    assert list(refused.context["page"].form.errors) == ["scan"]
    assert "scan.pdf" in refused.content.decode()
    assert (
        press(client, run, "complete", **{"results-scan": SimpleUploadedFile("x", SAMPLES["pdf"])}).status_code == 302
    )


@pytest.mark.django_db
def test_what_one_person_may_have_waiting_is_limited(
    alice: User, bob: User, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(uploads, "MAX_STORED", 100)
    runs = [claimed_by(alice, definition=a_definition("scans", [scan("pdf")])) for _ in range(3)]

    def put(number: int, size: int, user: User = alice) -> None:
        uploads.put(runs[number].id, "scan", "scan", b"x" * size, user_id=user.username, now=timezone.now())

    put(0, 60)
    put(1, 40)
    with pytest.raises(TooLarge):
        put(2, 1)
    put(2, 1, bob)
    put(0, 60)  # the same again
