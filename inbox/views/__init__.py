"""The pages: each view turns a request into a call of the domain, and its answer into a page."""

from .boxes import box
from .problems import bad_request, csrf_failure, page_not_found
from .sign_in import sign_in
from .tasks import file, task

__all__ = ["bad_request", "box", "csrf_failure", "file", "page_not_found", "sign_in", "task"]
