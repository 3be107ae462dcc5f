"""Files that people chose and have not saved yet, and the names that saved ones had.

Until a file is saved as an answer its content lies in Django's storage, under a name of our own; it is its chooser's
alone. Once it is an answer, its content is in the results of the run, and its name is found again by its content.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from .errors import Fault, InvalidArgument, TooLarge
from .fieldtypes import MAX_BYTES
from .models import Draft, DraftState, Upload
from .models.drafts import MAX_FILE_NAME

MAX_UPLOADS = 50
"""So many files may lie in the storage for one person and one run."""
MAX_STORED = 256 * 1024 * 1024
"""So many bytes may lie in the storage for one person."""

DIRECTING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing: `gnp.exe` can be made to look like `exe.png`."""


def name_of(text: str) -> str:
    """A name that somebody gave a file, without path, control characters and whatever else could mislead."""
    last = text.replace("\\", "/").rpartition("/")[2]
    plain = "".join(
        character
        for character in last
        if unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in DIRECTING
    ).strip(" .")
    stem, dot, ending = plain.rpartition(".")
    if len(plain) <= MAX_FILE_NAME:
        return plain or "file"
    return f"{stem[: MAX_FILE_NAME - 21]}.{ending[:20]}" if dot else plain[:MAX_FILE_NAME]


def put(run_id: UUID, field: str, name: str, content: bytes, *, user_id: str, now: datetime) -> Upload:
    """Keep a file for a field of a run. The same file again is the same row.

    Raises `InvalidArgument` (empty, too large) and `TooLarge` (too many files). That the run may be seen is for the
    caller to know.
    """
    if not 0 < len(content) <= MAX_BYTES:
        raise InvalidArgument.at(
            field, Fault("out_of_range", _("must have 1 to %(number)s bytes") % {"number": MAX_BYTES})
        )
    name, digest = name_of(name), hashlib.sha256(content).hexdigest()
    mine = Upload.objects.filter(run_id=run_id, user_id=user_id, is_answer=False)
    known = mine.filter(field=field, sha256=digest, name=name).first()
    if known:
        return known
    if mine.count() >= MAX_UPLOADS:
        forget(run_id, user_id=user_id, but_from=now)
        if mine.count() >= MAX_UPLOADS:
            raise TooLarge(
                _("There are %(number)s files already. Save, then choose this one again.") % {"number": MAX_UPLOADS}
            )
    stored = Upload.objects.filter(user_id=user_id, is_answer=False).aggregate(bytes=Sum("size"))["bytes"] or 0
    if stored + len(content) > MAX_STORED:
        raise TooLarge(
            _("Too much of yours waits to be saved, in this task and in others. Save something there first.")
        )
    upload = Upload(run_id=run_id, user_id=user_id, field=field, name=name, created_at=now)
    upload.size, upload.sha256 = len(content), digest
    upload.content.save(name, ContentFile(content), save=False)
    upload.save(force_insert=True)
    return upload


def found(run_id: UUID, ids: Collection[UUID], *, user_id: str) -> dict[UUID, Upload]:
    """Those of the uploads that this person chose for that run and has not saved, by their id."""
    return Upload.objects.filter(run_id=run_id, user_id=user_id, is_answer=False).in_bulk(ids)


def content_of(upload: Upload) -> bytes | None:
    """What is in the file; None where the storage has lost it."""
    try:
        with upload.content.open("rb") as file:
            return bytes(file.read())
    except OSError:
        return None


def become_answers(run_id: UUID, ids: Collection[UUID], *, user_id: str) -> None:
    """These were saved: their names stay, their contents are in the results."""
    for upload in found(run_id, ids, user_id=user_id).values():
        delete_content(upload)
        upload.content, upload.is_answer = "", True
        upload.save(update_fields=["content", "is_answer"])


def forget(run_id: UUID, *, user_id: str, but_from: datetime | None = None) -> None:
    """Delete the files to which nothing of this person's draft refers; those of the moment `but_from` stay."""
    drafts = Draft.objects.of(run_id, user_id)
    earlier = DraftState.objects.filter(draft__in=drafts)
    texts = [*drafts.values_list("text", flat=True), *earlier.values_list("text", flat=True)]
    for upload in Upload.objects.filter(run_id=run_id, user_id=user_id, is_answer=False):
        if upload.created_at != but_from and not _is_named(upload, texts):
            delete_content(upload)
            upload.delete()


def name_of_answer(run_id: UUID, field: str, content: bytes) -> str | None:
    """The name of the file that was saved with this content as the answer to this field, if it was chosen here."""
    digest = hashlib.sha256(content).hexdigest()
    answers = Upload.objects.filter(run_id=run_id, field=field, sha256=digest, is_answer=True)
    return answers.order_by("-created_at").values_list("name", flat=True).first()


def _is_named(upload: Upload, texts: Iterable[str]) -> bool:
    return any(upload.id.hex in text for text in texts)


def delete_content(upload: Upload) -> None:
    """Once the transaction is through: what is rolled back still has its file."""
    storage, path = upload.content.storage, upload.content.name
    if path:
        transaction.on_commit(lambda: storage.delete(path))
