"""The pages: each view turns a request into a call of the domain, and its answer into a page."""

from .boxes import box
from .drafts import bring_back, save_draft, upload
from .mail_choice import mail_choice
from .problems import bad_request, csrf_failure, page_not_found
from .sign_in import sign_in
from .tasks import file, task

__all__ = [
    "bad_request",
    "box",
    "bring_back",
    "csrf_failure",
    "file",
    "mail_choice",
    "page_not_found",
    "save_draft",
    "sign_in",
    "task",
    "upload",
]
