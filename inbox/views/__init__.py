"""The pages: each view turns a request into a call of the domain, and its answer into a page."""

from .boxes import box
from .drafts import bring_back, save_draft, upload
from .live import arrivals, counts, live
from .mail_choice import mail_choice
from .many import do_many, done_many, many, undo_many
from .next import give_next
from .preferences import preferences
from .problems import bad_request, csrf_failure, page_not_found
from .saved import filters, forget
from .sign_in import change_password, sign_in, sign_in_to_admin, sign_out
from .single_sign_on import sign_in_back, sign_in_elsewhere
from .substitutes import end, substitutes
from .tasks import file, task
from .team import team
from .tokens import revoke, tokens
from .words import words

__all__ = [
    "arrivals",
    "bad_request",
    "box",
    "bring_back",
    "change_password",
    "counts",
    "csrf_failure",
    "do_many",
    "done_many",
    "end",
    "file",
    "filters",
    "forget",
    "give_next",
    "live",
    "mail_choice",
    "many",
    "page_not_found",
    "preferences",
    "revoke",
    "save_draft",
    "sign_in",
    "sign_in_back",
    "sign_in_elsewhere",
    "sign_in_to_admin",
    "sign_out",
    "substitutes",
    "task",
    "team",
    "tokens",
    "undo_many",
    "upload",
    "words",
]
