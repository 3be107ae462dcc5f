"""The pages: each view turns a request into a call of the domain, and its answer into a page."""

from .boxes import box
from .drafts import bring_back, save_draft, upload
from .mail_choice import mail_choice
from .problems import bad_request, csrf_failure, page_not_found
from .sign_in import change_password, sign_in, sign_in_to_admin, sign_out
from .single_sign_on import sign_in_back, sign_in_elsewhere
from .substitutes import end, substitutes
from .tasks import file, task
from .tokens import revoke, tokens

__all__ = [
    "bad_request",
    "box",
    "bring_back",
    "change_password",
    "csrf_failure",
    "end",
    "file",
    "mail_choice",
    "page_not_found",
    "revoke",
    "save_draft",
    "sign_in",
    "sign_in_back",
    "sign_in_elsewhere",
    "sign_in_to_admin",
    "sign_out",
    "substitutes",
    "task",
    "tokens",
    "upload",
]
