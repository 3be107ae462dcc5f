"""What a body says: one JSON object, whatever the request calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import RawPostDataException, UnreadablePostError
from rest_framework.parsers import BaseParser

from .. import json_text
from ..errors import Malformed, TooLarge


class JSONParser(BaseParser):
    """Strict JSON (see `json_text.read`) of at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        assert parser_context is not None
        try:
            body = parser_context["request"]._request.body
        except RequestDataTooBig:
            raise TooLarge("The body is too large.") from None
        except (RawPostDataException, UnreadablePostError):
            raise Malformed("The body is not JSON, or did not arrive whole.") from None
        value = json_text.read(body) if body.strip() else {}
        if not isinstance(value, dict):
            raise Malformed("The body must be a JSON object.")
        return value
