"""The pieces of `inbox/pieces.py` for templates, and what of a template need be rendered but once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.urls import get_script_prefix, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from inbox.boxes import Row, Tab
from inbox.pieces import Scribe

register = template.Library()

NOBODYS = UUID(int=0)


def _me(context: Context) -> str:
    user = context.get("user")
    return user.get_username() if user else ""


class Once(template.Node):
    """What stands between `once` and `endonce`, rendered once for each language, place of the site and key.

    It is given nothing but what is named, and that must look alike wherever the key is the same: what belongs to a
    person, a request or a nonce cannot get into it. Where the key is None, it is rendered each time.
    """

    def __init__(self, inner: NodeList, key: FilterExpression | None, named: Mapping[str, FilterExpression]) -> None:
        self.inner, self.key, self.named = inner, key, named
        self.rendered: dict[Hashable, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        if self.key and self.key.resolve(context) is None:
            return self._rendered(context)
        key = get_language(), get_script_prefix(), self.key and self.key.resolve(context)
        if key not in self.rendered:
            self.rendered[key] = self._rendered(context)
        return self.rendered[key]

    def _rendered(self, context: Context) -> SafeString:
        return self.inner.render(context.new({name: value.resolve(context) for name, value in self.named.items()}))


@register.tag
def once(parser: Parser, token: Token) -> Once:
    """`{% once %}`, or `{% once KEY name=value ... %}` for what looks alike wherever the key is the same."""
    _name, *words = token.split_contents()
    named = token_kwargs(words[1:], parser)
    inner = parser.parse(("endonce",))
    parser.delete_first_token()
    return Once(inner, parser.compile_filter(words[0]) if words else None, named)


@register.simple_tag
def options(names: Iterable[str]) -> SafeString:
    """Suggestions, for a `datalist`."""
    return format_html_join("", '<option value="{}"></option>', ((name,) for name in names))


@register.simple_tag
def moment(at: datetime) -> SafeString:
    return Scribe.here().moment(at)


@register.simple_tag
def due(run: Any, is_overdue: bool) -> SafeString:
    return Scribe.here().due(run, is_overdue=is_overdue)


@register.simple_tag
def status(run: Any) -> SafeString:
    return Scribe.here().status(run)


@register.simple_tag
def priority(run: Any) -> SafeString:
    return Scribe.here().priority(run)


@register.simple_tag(takes_context=True)
def owner(context: Context, run: Any) -> SafeString:
    return Scribe.here(_me(context)).owner(run)


@register.simple_tag(takes_context=True)
def rows(context: Context, found: Sequence[Row], back: str, deeds: Sequence[Any]) -> SafeString:
    """The lines of a list; `back` is the query that leads from a task back to it, `deeds` what can be done to many."""
    scribe = Scribe.here(_me(context))
    begin, end = _around_the_id()
    lines = (scribe.row(row, url=f"{begin}{row.run.id.hex}{end}?{back}", can_choose=bool(deeds)) for row in found)
    return mark_safe("".join(lines))  # nosec B308 B703 # each escapes what it was given


@register.simple_tag(takes_context=True)
def stuck_rows(context: Context, found: Sequence[Any], back: str, is_ticked: bool) -> SafeString:
    """The lines of stuck work, with the same `back`."""
    scribe, (begin, end) = Scribe.here(_me(context)), _around_the_id()
    lines = (
        scribe.stuck_row(row, number, url=f"{begin}{row.run.id.hex}{end}?{back}", is_ticked=is_ticked)
        for number, row in enumerate(found, start=1)
    )
    return mark_safe("".join(lines))  # nosec B308 B703 # each escapes what it was given


def _around_the_id() -> tuple[str, str]:
    """One address is looked up for all the rows of a list: they differ in nothing but the id."""
    begin, end = reverse("inbox:task", args=[NOBODYS]).split(NOBODYS.hex)
    return begin, end


@register.simple_tag(takes_context=True)
def box_links(context: Context, tabs: Sequence[Tab]) -> SafeString:
    """Places of the navigation; where the page is a list, what leads to another needs no whole page."""
    scribe, current, is_boosted = Scribe.here(_me(context)), context.get("current"), bool(context.get("box"))
    links = (scribe.box_link(tab, is_open=tab is current, is_boosted=is_boosted) for tab in tabs)
    return mark_safe("".join(links))  # nosec B308 B703 # each escapes what it was given
