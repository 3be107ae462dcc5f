"""The files that somebody chose in the form of a task: from what was sent into uploads, and back into the form.

What is typed refers to an upload by its id, so that a file travels once, and no page carries its content.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from usertasks import uploads
from usertasks.controls import FileInput
from usertasks.models import Upload

from .typed import ANSWER, Typed

REFERENCE = re.compile("upload:([0-9a-f]{32})")


class KeptFile(SimpleUploadedFile):
    """An upload, as a form takes it; shown again it is the reference."""

    def __init__(self, upload: Upload, content: bytes) -> None:
        super().__init__(upload.name, content)
        self.upload_id = upload.id
        self.reference = f"upload:{upload.id.hex}"


@dataclass(frozen=True)
class ChosenFile:
    """A file that a page offers back: its own name and where it can be had."""

    name: str
    url: str


def with_uploads(typed: Typed, now: datetime) -> Typed:
    """The same with every file stored, and referred to; one for which there is no room stays where it is."""
    files = {
        field: (typed.file_names.get(ANSWER + field, ""), data)
        for field, content in typed.files.items()
        if (data := _decoded(content))
    }
    kept = uploads.put_all(UUID(typed.run_id), files, user_id=typed.username, now=now) if files else {}
    references = {
        ANSWER + field + FileInput.kept: [f"upload:{upload.id.hex}"]
        for field, upload in kept.items()
        if isinstance(upload, Upload)
    }
    return replace(typed, inputs={**typed.inputs, **references}, file_names={})


def _decoded(content: str) -> bytes | None:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return None


def references_in(typed: Typed) -> dict[str, UUID]:
    """The uploads that are meant, by the name of the field; a file that is to be removed is not."""
    found = {field: REFERENCE.fullmatch(content) for field, content in typed.files.items()}
    return {
        field: UUID(match[1])
        for field, match in found.items()
        if match and not typed.input(ANSWER + field + FileInput.removed)
    }


def _uploads_of(typed: Typed) -> dict[str, Upload]:
    """The uploads that this person may refer to, by the name of the field they were chosen for."""
    references = references_in(typed)
    known = uploads.found(UUID(typed.run_id), list(references.values()), user_id=typed.username) if references else {}
    chosen = {field: known.get(reference) for field, reference in references.items()}
    return {field: upload for field, upload in chosen.items() if upload and upload.field == field}


def files_for_form(typed: Typed, sent: MultiValueDict[str, Any] | None = None) -> MultiValueDict[str, Any]:
    """The files of a form: those that were just sent and cannot be kept, which it refuses, and those that are kept."""
    files: MultiValueDict[str, Any] = MultiValueDict({name: sent.getlist(name) for name in sent} if sent else {})
    for field, upload in _uploads_of(typed).items():
        if (content := uploads.content_of(upload)) is not None:
            files[ANSWER + field] = KeptFile(upload, content)
    return files


def chosen_files(typed: Typed) -> dict[str, ChosenFile]:
    """The files that were chosen, to be had back, by the name of the field."""
    stored = _uploads_of(typed)
    files = {
        field: ChosenFile("", f"data:application/octet-stream;base64,{content}")
        for field, content in typed.files.items()
        if not REFERENCE.fullmatch(content)
    }
    for field, upload in stored.items():
        files[field] = ChosenFile(upload.name, reverse("inbox:upload", args=[UUID(typed.run_id), upload.id]))
    return files


def answers_of(files: Mapping[str, Any]) -> list[UUID]:
    """The uploads among the files of a form that was saved."""
    return [file.upload_id for file in files.values() if isinstance(file, KeptFile)]
