"""JSON values of the domain as `VariableValue`s and back: a field type names its slot, this file knows the protobuf."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp
from littlehorse import model as lh

from .. import json_text
from ..errors import Malformed
from ..fieldtypes import type_of
from ..validation import Field

UNREADABLE: Final = object()
"""Stands for what is no value of the field's type. Every field type refuses it as `wrong_type`: it is refused together
with, and in the same order of reasons as, everything else that is wrong with the request."""

WIDENED = {"int": "double"}
"""Slot → another slot whose type takes its values too: an integer is a number."""

READ: Mapping[str, Callable[[Any], Any]] = {
    "json_obj": json_text.read,
    "json_arr": json_text.read,
    "bytes": lambda content: base64.b64encode(content).decode(),
    "utc_timestamp": lambda moment: moment.ToJsonString(),
}
"""Slot → the JSON value of its content, where they differ. Raises `Malformed` or `ValueError`."""


def timestamp(moment: datetime | str) -> Any:
    """The protobuf of a moment, or of its RFC 3339 text."""
    message = Timestamp()
    if isinstance(moment, str):
        message.FromJsonString(moment)
    else:
        message.FromDatetime(moment)
    return message


WRITE: Mapping[str, Callable[[Any], Any]] = {
    "json_obj": lambda value: json.dumps(value, ensure_ascii=False),
    "json_arr": lambda value: json.dumps(value, ensure_ascii=False),
    "bytes": base64.b64decode,
    "utc_timestamp": timestamp,
}
"""Slot → its content for a JSON value, where they differ."""


def to_values(results: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    """The results of a run as LittleHorse's map of `VariableValue`s, each of the exact type of its field."""
    return {
        field.name: _written(type_of(field).slot, results[field.name])
        for field in fields
        if results.get(field.name) is not None
    }


def from_values(values: Mapping[str, Any], fields: Iterable[Field]) -> dict[str, Any]:
    """Results as the domain takes them, not yet checked; a `VariableValue` that is not set is null."""
    slots = {field.name: type_of(field).slot for field in fields}
    return {name: _read(value, slots.get(name)) for name, value in values.items()}


def _written(slot: str, value: Any) -> Any:
    content = WRITE[slot](value) if slot in WRITE else value
    return lh.VariableValue(**{slot: content})


def _read(value: Any, slot: str | None) -> Any:
    given = value.WhichOneof("value")
    if given is None:
        return None
    if slot not in (given, WIDENED.get(given)):
        return UNREADABLE
    content = getattr(value, given)
    try:
        return READ[given](content) if given in READ else content
    except (Malformed, ValueError):
        return UNREADABLE
