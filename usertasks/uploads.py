"""Files that people chose and have not saved yet, and the names that saved ones had.

Until a file is saved as an answer its content lies in Django's storage, under a name of our own; it is its chooser's
alone. Once it is an answer, its content is in the results of the run, and its name is found again by its content.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from .errors import Fault, InvalidArgument, Refused, TooLarge
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


type Chosen = tuple[str, bytes]
"""The name that a file has on somebody's machine, and what is in it."""


def put(run_id: UUID, field: str, name: str, content: bytes, *, user_id: str, now: datetime) -> Upload:
    """Keep a file for a field of a run. Raises what `put_all` refuses it with."""
    kept = put_all(run_id, {field: (name, content)}, user_id=user_id, now=now)[field]
    if isinstance(kept, Refused):
        raise kept
    return kept


def put_all(
    run_id: UUID, files: Mapping[str, Chosen], *, user_id: str, now: datetime
) -> dict[str, Upload | InvalidArgument | TooLarge]:
    """Keep a file for each of these fields of a run. The same file again is the same row.

    Gives the upload of each field, or `InvalidArgument` (empty, too large) or `TooLarge` (too many files). That the run
    may be seen is for the caller to know.
    """
    kept: dict[str, Upload | InvalidArgument | TooLarge] = {}
    mine = Upload.objects.filter(run_id=run_id, user_id=user_id, is_answer=False)
    known = {(upload.field, upload.sha256, upload.name): upload for upload in mine}
    new: dict[str, tuple[Upload, bytes]] = {}
    for field, (name, content) in files.items():
        if not 0 < len(content) <= MAX_BYTES:
            fault = Fault("out_of_range", _("must have 1 to %(number)s bytes") % {"number": MAX_BYTES})
            kept[field] = InvalidArgument.at(field, fault)
            continue
        upload = Upload(run_id=run_id, user_id=user_id, field=field, name=name_of(name), created_at=now)
        upload.size, upload.sha256 = len(content), hashlib.sha256(content).hexdigest()
        if same := known.get((field, upload.sha256, upload.name)):
            kept[field] = same
        else:
            new[field] = upload, content
    return kept | (_stored(run_id, new, user_id=user_id, now=now) if new else {})


def _stored(
    run_id: UUID, new: Mapping[str, tuple[Upload, bytes]], *, user_id: str, now: datetime
) -> dict[str, Upload | InvalidArgument | TooLarge]:
    """Store what there is room for, in the order in which it was chosen."""
    mine = Upload.objects.filter(run_id=run_id, user_id=user_id, is_answer=False)
    count = mine.count()
    if count + len(new) > MAX_UPLOADS:
        forget(run_id, user_id=user_id, but_from=now)
        count = mine.count()
    waiting = Upload.objects.filter(user_id=user_id, is_answer=False).aggregate(bytes=Sum("size"))["bytes"] or 0
    kept: dict[str, Upload | InvalidArgument | TooLarge] = {}
    made: list[Upload] = []
    for field, (upload, content) in new.items():
        if count + len(made) >= MAX_UPLOADS:
            words = _("There are %(number)s files already. Save, then choose this one again.")
            kept[field] = TooLarge(words % {"number": MAX_UPLOADS})
        elif waiting + upload.size > MAX_STORED:
            kept[field] = TooLarge(
                _("Too much of yours waits to be saved, in this task and in others. Save something there first.")
            )
        else:
            upload.content.save(upload.name, ContentFile(content), save=False)
            waiting += upload.size
            made.append(upload)
            kept[field] = upload
    Upload.objects.bulk_create(made)
    return kept


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
    saved = found(run_id, ids, user_id=user_id)
    for upload in saved.values():
        delete_content(upload)
    if saved:
        Upload.objects.filter(pk__in=saved).update(content="", is_answer=True)


def forget(run_id: UUID, *, user_id: str, but_from: datetime | None = None) -> None:
    """Delete the files to which nothing of this person's draft refers; those of the moment `but_from` stay."""
    drafts = Draft.objects.of(run_id, user_id)
    earlier = DraftState.objects.filter(draft__in=drafts)
    texts = [*drafts.values_list("text", flat=True), *earlier.values_list("text", flat=True)]
    mine = Upload.objects.filter(run_id=run_id, user_id=user_id, is_answer=False)
    gone = [upload for upload in mine if upload.created_at != but_from and not _is_named(upload, texts)]
    for upload in gone:
        delete_content(upload)
    if gone:
        Upload.objects.filter(pk__in=[upload.pk for upload in gone]).delete()


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
