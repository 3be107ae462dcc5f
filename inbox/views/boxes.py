"""The lists."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from django_htmx.http import push_url

from inbox import live as living
from inbox.boxes import BOXES, CURSORS, ROLES, Box, Look, Tab, look_into, open_tab, query_of, tabs_for
from inbox.counts import names_of_definitions
from inbox.forms import ORDERS, SearchBar, heads_of
from inbox.many import bar_of
from inbox.saved import SaveForm
from usertasks.actors import Actor, Door
from usertasks.callers import actor_of


def box(request: HttpRequest, name: str) -> HttpResponse:
    """One box: a page of its runs that match the filters of the address, in the order that it names."""
    by, shown = actor_of(request, Door.PAGE), BOXES[name]
    filters, tabs = shown.given(request.GET), tabs_for(by)
    tab = open_tab(tabs, shown, query_of(filters))
    cursors = {cursor: request.GET.get(cursor, "") for cursor in CURSORS}
    look = look_into(shown, filters, tab, by=by, **cursors)
    bar = _search_bar(shown, filters, by, look)
    context = {"box": shown, "tabs": tabs, "current": tab, "search": bar, "found": look.found, "total": look.total}
    context |= {"save": _save_form(shown, filters, tab, look, by), "many": bar_of(look.search, by)}
    context |= _addresses(shown, filters, cursors, look)
    response = living.show(request, context, filters, by=by, status=400 if look.faults else 200)
    # A browser sends every input of a form, the blank ones too: the address names what counts.
    return push_url(response, str(context["here"])) if request.htmx else response  # type: ignore[attr-defined]


def _search_bar(shown: Box, filters: MultiValueDict[str, str], by: Actor, look: Look) -> SearchBar:
    return SearchBar(
        filters,
        name=shown.name,
        fixed=shown.criteria(by),
        order=shown.order.name,
        groups=by.groups - ROLES,
        definitions=names_of_definitions(),
        faults=look.faults,
    )


def _save_form(
    shown: Box, filters: MultiValueDict[str, str], tab: Tab | None, look: Look, by: Actor
) -> SaveForm | None:
    """With which to keep what is looked for; None where that is nothing, is kept already, or makes no sense."""
    if not filters or look.faults or (tab and tab.query):
        return None
    return SaveForm(by=by, initial={"box": shown.name, "query": query_of(filters)})


def _addresses(shown: Box, filters: MultiValueDict[str, str], cursors: dict[str, str], look: Look) -> dict[str, Any]:
    """Where the pages beside this one and the other orders are, the filters kept; and what leads a task back here."""
    query, order = query_of(filters), filters.get("sort", shown.order.name)
    beside = {"earlier": ("before", look.found.earlier), "later": ("after", look.found.later)}
    pages = {name: "?" + _joined(query, {cursor: place}) for name, (cursor, place) in beside.items() if place}
    unsorted = query_of(MultiValueDict({name: texts for name, texts in filters.lists() if name != "sort"}))
    sorts = {name: _joined(unsorted, {"sort": name}) for name in ORDERS}
    here = shown.address(_joined(query, {name: place for name, place in cursors.items() if place}))
    back = urlencode({"back": here})
    return {**pages, "order": order, "heads": heads_of(order, sorts), "query": query, "here": here, "back": back}


def _joined(query: str, more: dict[str, str]) -> str:
    return "&".join(filter(None, [query, urlencode(more)]))
