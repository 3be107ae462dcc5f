"""The page of a person's API tokens: the form that makes one, and the list as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from usertasks.actors import Actor, Scope
from usertasks.errors import Faults
from usertasks.models import ApiToken
from usertasks.models.tokens import MAX_TOKEN_NAME, TokenState
from usertasks.tokens import scopes_within

from .reasons import as_sentence

LIFETIMES: Mapping[str, Any] = {"7": _("7 days"), "30": _("30 days"), "90": _("90 days"), "365": _("1 year")}
"""Days → how the form calls them. A token that never expires is for administrators to make."""

WORDS: Mapping[Scope, Any] = {
    Scope.RUNS_READ: _("see tasks"),
    Scope.RUNS_WRITE: _("see tasks and work on them"),
    Scope.RUNS_ACT_ON_BEHALF: _("act for other people, with runs:write as well"),
    Scope.DEFS_WRITE: _("put and delete definitions"),
    Scope.ADMIN: _("everything that I may, webhook endpoints included"),
}


class TokenForm(forms.Form):
    """Asks for what `issue_token` needs, and offers the scopes that are of use to this person."""

    required_names = frozenset({"name", "scopes"})
    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_TOKEN_NAME,
        help_text=_("What will use it, so that you know it again: “nightly report”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        help_text=_("Never more than you may yourself."),
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.RUNS_READ.value],
    )
    expires_in = forms.ChoiceField(label=_("Expires in"), choices=list(LIFETIMES.items()), initial="90")

    def __init__(self, data: Any = None, *, by: Actor) -> None:
        super().__init__(data)
        offered = [(scope.value, f"{scope.value} ({WORDS[scope]})") for scope in scopes_within(by)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]  # a field of choices has them

    def request(self, now: datetime) -> dict[str, Any]:
        """What `issue_token` is to be given."""
        given = self.cleaned_data
        return {
            "name": given["name"],
            "scopes": [Scope(scope) for scope in given["scopes"]],
            "expires_at": now + timedelta(days=int(given["expires_in"])),
        }

    def add_faults(self, faults: Faults, otherwise: str) -> None:
        """Say beside the fields what the domain has against them; what concerns none, above them all."""
        for name, found in faults.items():
            for fault in found:
                self.add_error(name if name in self.fields else None, as_sentence(fault.message))
        if not faults:
            self.add_error(None, otherwise)


@dataclass(frozen=True)
class Line:
    """A token in the list, and what has become of it."""

    token: ApiToken
    state: TokenState

    @property
    def is_live(self) -> bool:
        return self.state is TokenState.LIVE


def lines_of(user: User, now: datetime) -> list[Line]:
    """The newest first."""
    return [Line(token, token.state_at(now)) for token in ApiToken.objects.listed(now).filter(user=user)]
