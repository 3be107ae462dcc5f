"""How the API describes itself (OpenAPI 3.1): what is the same for all operations is said here."""

from __future__ import annotations

from typing import Any

from drf_spectacular.authentication import SessionScheme as BaseSessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from . import serializers
from .problems import CONTENT_TYPE


class Schema(AutoSchema):
    """Every operation may refuse, and does it with a problem."""

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]

    view: Any

    def get_operation_id(self) -> str:
        return f"{self.view.subject}_{self.view.action}"

    def get_description(self) -> str:  # type: ignore[override]
        return ""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            problem = self.resolve_serializer(serializers.Problem, "response").ref
            operation["responses"]["default"] = {
                "description": "A refusal; nothing was changed.",
                "content": {CONTENT_TYPE: {"schema": problem}},
            }
        return operation


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "usertasks.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A token of `manage.py create_api_token`."}


class SessionScheme(BaseSessionScheme):  # type: ignore[no-untyped-call]
    """The session of a browser, as DRF's own is described."""

    target_class = "usertasks.api.authentication.SessionAuthentication"
    priority = 1
