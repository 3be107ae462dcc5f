"""The WSGI application that a web server serves."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from usertasks.checks import require_secrets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

MAX_CONTENT_TYPE = 500
"""Characters; Django reads the header before anything could answer for it, and gives up on very long ones."""


class Readable:
    """Makes of a request what Django can read: it takes a body without a length, a chunked one, for an empty one."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if len(environ.get("CONTENT_TYPE", "")) > MAX_CONTENT_TYPE:
            environ["CONTENT_TYPE"] = ""
        if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH"):
            # One byte more than is taken: what is too large is then refused like any other body.
            body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
        answer: Iterable[bytes] = self.application(environ, start_response)
        return answer


application = Readable(get_wsgi_application())
require_secrets()

# What is there by now stays: the collector need not look at it again and again, nor after so few new objects as it
# does for small programs.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 10, 10)
