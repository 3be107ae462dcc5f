"""The filters of a search as JSON says them."""

from __future__ import annotations

from typing import Any

from django.utils.datastructures import MultiValueDict

from .actors import Actor
from .errors import Fault, InvalidArgument
from .filters import Search


def search_from_json(parameters: dict[str, Any], *, by: Actor) -> Search:
    """A search whose filters come as a JSON object: texts, a list of texts for `status`, a boolean for `overdue`."""
    texts: MultiValueDict[str, str] = MultiValueDict()
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        spelled = ["true" if item is True else "false" if item is False else item for item in values]
        if not spelled or not all(isinstance(item, str) for item in spelled):
            raise InvalidArgument.at(f"filter.{name}", Fault("wrong_type", "must be a text or a list of texts"))
        texts.setlist(name, spelled)
    return Search(texts, by=by)
