"""What somebody typed into the page of a task and has not saved: it survives whatever comes between.

A POST that does not save keeps what it brought as the person's draft of that run, until it is saved or thrown away.
Where nobody is signed in, the sign-in page carries it along as the text of a hidden field. A file travels as base64 in
the hidden field that `controls.FileInput` reads, or as a reference to an upload: see `chosen.py`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.dateparse import parse_datetime

from usertasks import drafts
from usertasks.actors import Actor
from usertasks.controls import FileInput
from usertasks.drafts import NO_DRAFT, Writing
from usertasks.errors import TooLarge
from usertasks.fieldtypes import MAX_BYTES
from usertasks.forms import PREFIX
from usertasks.json_text import flaw_of_text
from usertasks.models import Draft
from usertasks.wall_clocks import MomentInput

RUN_ID = re.compile("[0-9a-f]{32}")
PAGE = re.compile("[0-9a-f]{1,32}")

ANSWER = f"{PREFIX}-"
NAMES = (ANSWER, "comment")
"""How the names of the fields begin in which people type."""
BESIDE = (FileInput.kept, FileInput.removed, MomentInput.in_zone)
"""How the names of the inputs end that stand beside another one."""

CHOICE, SEEN = "choose-", "seen-version"
THEIRS, MINE = "theirs", "mine"
"""What the page of a conflict sends beside what was typed: whose answer stays, and the version that it showed."""


@dataclass(frozen=True)
class Typed:
    """`inputs` maps the name of an input to its values; `version` is the run's when the page was opened.

    `run_id` is the run's in 32 hex digits, `username` the name of whoever opened the page, `page` and `based_on` as in
    `drafts.Writing`; `file_names` maps the input of a file to the name that it had on the person's machine.
    """

    run_id: str
    username: str
    version: int | None = None
    inputs: Mapping[str, list[str]] = field(default_factory=dict)
    file_names: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    based_on: datetime | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    """By the name of a contested field; made once, and not remembered."""
    seen: int | None = None
    """The version of the run that the page of a conflict showed; None where there was none."""

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
        plain = [name for name in self.inputs if not name.endswith(BESIDE)]
        answers = [name for name in plain if name.startswith(ANSWER)]
        texts = {name.removeprefix(ANSWER): ", ".join(filter(None, self.inputs[name])) for name in answers}
        return {name: text for name, text in texts.items() if text}

    @property
    def files(self) -> dict[str, str]:
        """The files that were chosen, in base64 or as references, by the name of the field."""
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

    @property
    def is_blank(self) -> bool:
        """Whether there is not a word in it, and no comment that was there before is among its inputs."""
        return set(self.inputs) <= {"comment"} and not self.comment.strip()

    @property
    def writing(self) -> Writing:
        return Writing(self.inputs, self.version, self.page, self.based_on)

    def without(self, beginning: str) -> Typed:
        """What is left when the inputs whose names begin so have been saved."""
        left = {name: texts for name, texts in self.inputs.items() if not name.startswith(beginning)}
        return replace(self, inputs=left)

    def to_text(self) -> str:
        parts = ("run_id", "username", "version", "inputs", "file_names", "page")
        based_on = self.based_on and self.based_on.isoformat()
        return json.dumps({part: getattr(self, part) for part in parts} | {"based_on": based_on})


def typed_in(request: HttpRequest, run_id: UUID) -> Typed:
    """What a POST to the page of a task brings, with its files."""
    inputs = {name: request.POST.getlist(name) for name in request.POST if name.startswith(NAMES)}
    file_names = {}
    for name, upload in request.FILES.items():
        if isinstance(upload, UploadedFile) and upload.size and upload.size <= MAX_BYTES and name.startswith(ANSWER):
            inputs.pop(name + FileInput.removed, None)
            inputs[name + FileInput.kept] = [base64.b64encode(upload.read()).decode()]
            file_names[name] = upload.name or ""
            upload.seek(0)
    choices = {name: request.POST[name] for name in request.POST if name.startswith(CHOICE)}
    return Typed(
        run_id=run_id.hex,
        username=request.POST.get("username", request.user.get_username()),
        version=_version(request.POST.get("version", "")),
        inputs=inputs,
        file_names=file_names,
        page=_page(request.POST.get("page")),
        based_on=_known_draft(request.POST.get("draft")),
        choices={name.removeprefix(CHOICE): whose for name, whose in choices.items() if whose in (THEIRS, MINE)},
        seen=_version(request.POST.get(SEEN, "")),
    )


NO_VERSION = 0
"""What no run ever is at: a version that cannot be read is an old one, whatever it says."""


def _version(text: str) -> int | None:
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) < 10 else NO_VERSION


def _page(text: Any) -> str:
    return text if isinstance(text, str) and PAGE.fullmatch(text) else ""


def _known_draft(text: Any) -> datetime | None:
    """The draft that a page says it knows of: see `drafts.Writing`."""
    if not isinstance(text, str):
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        return NO_DRAFT
    return moment if moment and moment.tzinfo else NO_DRAFT


def from_text(text: str) -> Typed | None:
    """What `to_text` gave; None for anything else, for it comes back through a browser."""
    try:
        return _from_parts(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _from_parts(parts: Any) -> Typed | None:
    match parts:
        case {"run_id": str(run_id), "username": str(username), "version": version, "inputs": dict(inputs)}:
            names = parts.get("file_names")
            is_readable = RUN_ID.fullmatch(run_id) and (version is None or _is_version(version)) and _are_texts(inputs)
            file_names = names if isinstance(names, dict) and _are_texts({key: [names[key]] for key in names}) else {}
            page, based_on = _page(parts.get("page")), _known_draft(parts.get("based_on"))
            return Typed(run_id, username, version, inputs, file_names, page, based_on) if is_readable else None
    return None


def _is_version(version: Any) -> bool:
    return isinstance(version, int) and 0 <= version < 10**9


def _are_texts(inputs: Mapping[Any, Any]) -> bool:
    return all(
        isinstance(texts, list) and all(_is_text(text) for text in [name, *texts]) for name, texts in inputs.items()
    )


def _is_text(text: Any) -> bool:
    """Whether it can be shown and stored; a NUL may be in it, half of a surrogate pair may not."""
    return isinstance(text, str) and not flaw_of_text(text.replace("\0", ""))


def kept(run_id: UUID, *, username: str) -> Typed | None:
    """What that person has typed there and not saved."""
    draft = drafts.draft_of(run_id, username)
    return typed_of(draft) if draft else None


def keep(typed: Typed, *, by: Actor, makes_state: bool = True) -> bool:
    """Remember it until it is saved or thrown away; False if it is too large. Raises `NotFound` as `drafts.write`."""
    try:
        drafts.write(UUID(typed.run_id), typed.writing, by=by, now=timezone.now(), makes_state=makes_state)
    except TooLarge:
        return False
    return True


def typed_of(draft: Draft) -> Typed:
    return Typed(
        draft.run_id.hex, draft.user_id, draft.run_version, draft.inputs, page=draft.page, based_on=draft.saved_at
    )
