"""The building bricks of requests: values of exactly the JSON type that the contract names, and nothing unknown."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from .. import json_text
from ..fieldtypes import FIELD_TYPES, Timestamp
from ..models.runs import guid_of
from ..validation import Wrong

INT32_MAX = 2**31 - 1
NOT_AN_OBJECT = serializers.ErrorDetail("must be an object", code="wrong_type")


class Exactly:
    """Refuses what is not of the JSON type before DRF would turn it into one."""

    json_types: ClassVar[tuple[type, ...]]

    def run_validation(self, data: Any = serializers.empty) -> Any:
        is_given = data is not serializers.empty and data is not None
        if is_given and not (isinstance(data, self.json_types) and isinstance(data, bool) <= (bool in self.json_types)):
            raise serializers.ValidationError("is of the wrong type", code="wrong_type")
        return super().run_validation(data)  # type: ignore[misc]


class Text(Exactly, serializers.CharField):
    """A string, exactly as it was sent."""

    json_types = (str,)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **kwargs})


class Names(serializers.ListField):
    """A list of texts."""

    child = Text()


class Whole(Exactly, serializers.IntegerField):
    """A whole number that a column can hold; what it may be beyond that, the domain says."""

    json_types = (int,)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -INT32_MAX, "max_value": INT32_MAX, **kwargs})


class YesOrNo(Exactly, serializers.BooleanField):
    json_types = (bool,)


@extend_schema_field({})
class AnyValue(serializers.Field[Any, Any, Any, Any]):
    """Any JSON, null included; what may be in it, the domain says."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": True, **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class AnyObject(Exactly, AnyValue):
    """A JSON object; what may be in it, the domain says."""

    json_types = (dict,)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_null": False, **kwargs})


class Results(AnyObject):
    """Answers: field name to JSON value."""


class Storable(AnyObject):
    """A JSON object without what no database keeps."""

    def to_internal_value(self, data: Any) -> Any:
        if flaw := json_text.flaw_of(data):
            raise serializers.ValidationError(flaw, code="invalid")
        return data


class Moment(Text):
    """An RFC 3339 date and time with an offset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": False, **kwargs})

    def to_internal_value(self, data: str) -> datetime:  # type: ignore[override]
        try:
            return cast(Timestamp, FIELD_TYPES["TIMESTAMP"]).moment(data)
        except Wrong as wrong:
            raise serializers.ValidationError(wrong.fault.message, code=wrong.fault.code) from None


class Guid(Text):
    """An id: 32 hex digits, or dashed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": False, **kwargs})

    def to_internal_value(self, data: str) -> uuid.UUID:  # type: ignore[override]
        guid = guid_of(data)
        if guid is None:
            raise serializers.ValidationError("must be 32 hex digits, or a dashed guid", code="invalid")
        return guid


class Request(serializers.Serializer[Any]):
    """The body of a request: what is not declared is refused."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": [NOT_AN_OBJECT]})
        unknown = {
            name: [serializers.ErrorDetail("is not known here", code="unknown_field")]
            for name in sorted(set(data) - set(self.fields))
        }
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**cast(dict[str, Any], error.detail), **unknown}) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return values
