"""The lists."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict

from inbox.boxes import BOXES, NOTHING, Listing, listing, tabs_for
from inbox.forms import SearchForm
from usertasks.actors import Door
from usertasks.callers import actor_of
from usertasks.errors import InvalidArgument
from usertasks.models import UserTaskDef

CURSORS = ("after", "before")
MAX_SUGGESTIONS = 200


def box(request: HttpRequest, name: str) -> HttpResponse:
    """One box: its newest runs that match the filters of the address."""
    by = actor_of(request, Door.PAGE)
    shown = BOXES[name]
    filters = _given(request.GET)
    form = SearchForm(filters, fixed=shown.criteria(by), groups=by.groups, definitions=_definitions())
    found, status = NOTHING, 200
    try:
        form.require_offered(filters)
        cursors = {cursor: request.GET.get(cursor, "") for cursor in CURSORS}
        found = listing(shown.search(by, filters), **cursors)
    except InvalidArgument as refusal:
        form.add_faults(refusal.faults)
        status = 400
    context = {"box": shown, "tabs": tabs_for(by), "form": form, "found": found, "is_filtered": bool(filters)}
    return render(request, "inbox/box.html", {**context, **_addresses(request, filters, found)}, status=status)


def _definitions() -> list[str]:
    names = UserTaskDef.objects.order_by("name").values_list("name", flat=True)
    return list(names.distinct()[:MAX_SUGGESTIONS])


def _given(parameters: QueryDict) -> MultiValueDict[str, str]:
    """The filters that are not blank: a browser sends every input of a form."""
    given = {name: [text for text in texts if text] for name, texts in parameters.lists() if name not in CURSORS}
    return MultiValueDict({name: texts for name, texts in given.items() if texts})


def _addresses(request: HttpRequest, filters: MultiValueDict[str, str], found: Listing) -> dict[str, str]:
    """Where "earlier" and "later" lead, the filters kept; and what the page of a task needs to lead back here."""
    cursors = {"earlier": ("before", found.earlier), "later": ("after", found.later)}
    addresses = {
        name: "?" + urlencode([*_pairs(filters), (parameter, cursor)])
        for name, (parameter, cursor) in cursors.items()
        if cursor
    }
    return {**addresses, "back": urlencode({"back": request.get_full_path()})}


def _pairs(filters: MultiValueDict[str, str]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in filters.lists() for text in texts]
