"""What somebody typed into the page of a task and has not saved: it survives whatever comes between.

A POST that does not save keeps what it brought in the session, by run, until it is saved or thrown away. Where there is
no session, the sign-in page carries it along as the text of a hidden field. Files travel as base64, in the hidden
field that `controls.FileInput` reads.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict

from usertasks.controls import FileInput
from usertasks.fieldtypes import MAX_BYTES
from usertasks.forms import PREFIX

SESSION_KEY = "typed"
MAX_RUNS = 5
"""A session travels to the database whole, so only the newest few are kept."""

RUN_ID = re.compile("[0-9a-f]{32}")

ANSWER = f"{PREFIX}-"
NAMES = (ANSWER, "comment")
"""How the names of the fields begin in which people type."""


@dataclass(frozen=True)
class Typed:
    """`inputs` maps the name of an input to its values; `version` is the run's when the page was opened.

    `run_id` is the run's in 32 hex digits, `username` the name of whoever opened the page.
    """

    run_id: str
    username: str
    version: int | None = None
    inputs: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def form_data(self) -> MultiValueDict[str, str]:
        """The inputs as a form takes them."""
        return MultiValueDict(self.inputs)

    def input(self, name: str) -> str:
        """The last value of an input, or nothing."""
        return (self.inputs.get(name) or [""])[-1]

    @property
    def answers(self) -> dict[str, str]:
        """What was typed, by the name of the field; files are left out."""
        plain = [name for name in self.inputs if not name.endswith((FileInput.kept, FileInput.removed))]
        answers = [name for name in plain if name.startswith(ANSWER)]
        return {name.removeprefix(ANSWER): text for name in answers if (text := self.input(name))}

    @property
    def files(self) -> dict[str, str]:
        """The files that were chosen, in base64, by the name of the field."""
        kept = {name: self.input(name) for name in self.inputs if name.endswith(FileInput.kept)}
        return {
            name.removeprefix(ANSWER).removesuffix(FileInput.kept): content
            for name, content in kept.items()
            if content and content != FileInput.saved
        }

    @property
    def comment(self) -> str:
        """A comment that was not added."""
        return self.input("comment")

    @property
    def has_answers(self) -> bool:
        return any(name.startswith(ANSWER) for name in self.inputs)

    def without(self, beginning: str) -> Typed:
        """What is left when the inputs whose names begin so have been saved."""
        left = {name: texts for name, texts in self.inputs.items() if not name.startswith(beginning)}
        return replace(self, inputs=left)

    def to_text(self) -> str:
        return json.dumps(asdict(self))


def typed_in(request: HttpRequest, run_id: UUID) -> Typed:
    """What a POST to the page of a task brings, with its files."""
    inputs = {name: request.POST.getlist(name) for name in request.POST if name.startswith(NAMES)}
    for name, upload in request.FILES.items():
        if isinstance(upload, UploadedFile) and upload.size and upload.size <= MAX_BYTES:
            inputs[name + FileInput.kept] = [base64.b64encode(upload.read()).decode()]
            upload.seek(0)
    version = request.POST.get("version", "")
    return Typed(
        run_id=run_id.hex,
        username=request.POST.get("username", request.user.get_username()),
        version=int(version) if version.isdecimal() and len(version) < 10 else None,
        inputs=inputs,
    )


def from_text(text: str) -> Typed | None:
    """What `to_text` gave; None for anything else, for it comes back through a browser."""
    try:
        return _from_parts(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _from_parts(parts: Any) -> Typed | None:
    match parts:
        case {"run_id": str(run_id), "username": str(username), "version": version, "inputs": dict(inputs)}:
            is_readable = RUN_ID.fullmatch(run_id) and (version is None or isinstance(version, int))
            return Typed(run_id, username, version, inputs) if is_readable and _are_texts(inputs) else None
    return None


def _are_texts(inputs: Mapping[Any, Any]) -> bool:
    lists = inputs.values()
    return all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in lists)


def keep(session: SessionBase, typed: Typed) -> None:
    """Remember it until it is saved or thrown away."""
    others = {run_id: parts for run_id, parts in session.get(SESSION_KEY, {}).items() if run_id != typed.run_id}
    newest = list(others.items())[-(MAX_RUNS - 1) :]
    session[SESSION_KEY] = {**dict(newest), typed.run_id: asdict(typed)}


def kept(session: SessionBase, run_id: UUID, *, username: str) -> Typed | None:
    """What is remembered of that run, if that person typed it."""
    typed = _from_parts(session.get(SESSION_KEY, {}).get(run_id.hex))
    return typed if typed and typed.username == username else None


def drop(session: SessionBase, run_id: UUID) -> None:
    """Forget it: it was saved, or thrown away."""
    if run_id.hex in session.get(SESSION_KEY, {}):
        session[SESSION_KEY] = {key: parts for key, parts in session[SESSION_KEY].items() if key != run_id.hex}
