"""The vocabulary of refusals: what the domain says when it will not do something.

Each class is one word (`code`) of the contract; every door translates these, and nothing else, in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one field.

    `code` is one of `required`, `wrong_type`, `out_of_range`, `not_a_choice`, `unknown_field`, `invalid`.
    """

    code: str
    message: str


Faults = Mapping[str, Sequence[Fault]]


class Refused(Exception):
    """The caller asked for something that will not be done. Nothing was changed."""

    code: ClassVar[str]
    title: ClassVar[Any]
    """A headline for people, in the language of the moment at which it is read."""

    is_noted = False
    """Whether it was written down in the audit: see `operations/refusals.py`."""

    def __init__(self, detail: str, *, faults: Faults | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults: Faults = faults or {}


class Malformed(Refused):
    code = "malformed"
    title = _("The request cannot be read")


class InvalidArgument(Refused):
    code = "invalid_argument"
    title = _("Something in the request is not acceptable")

    @classmethod
    def at(cls, field: str, fault: Fault) -> InvalidArgument:
        """The refusal for one fault of one field."""
        return cls(f"{field}: {fault.message}", faults={field: [fault]})

    @classmethod
    def of(cls, faults: Faults) -> InvalidArgument:
        """The refusal that names every field at fault at once."""
        return cls(gettext("Please correct: %(fields)s.") % {"fields": ", ".join(faults)}, faults=faults)


class NotSignedIn(Refused):
    code = "not_signed_in"
    title = _("Nobody is signed in")


class NotAllowed(Refused):
    code = "not_allowed"
    title = _("You may not do this")


class NotFound(Refused):
    code = "not_found"
    title = _("There is no such thing")


class WrongState(Refused):
    code = "wrong_state"
    title = _("It is no longer in a state that allows this")


class AlreadyClaimed(Refused):
    code = "already_claimed"
    title = _("Somebody else has it")


class AlreadyExists(Refused):
    code = "already_exists"
    title = _("It exists already")


class Stale(Refused):
    code = "stale"
    title = _("It has changed since you read it")


class TooLarge(Refused):
    code = "too_large"
    title = _("The request is too large")


class Throttled(Refused):
    """`retry_after` is in whole seconds, 1 at least."""

    code = "throttled"
    title = _("Too many requests")

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
