"""The page from which somebody came, with its filters: an address says so, and is not believed blindly."""

from __future__ import annotations

from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme

LONGEST = 4000
"""Characters: it stands in the addresses of other pages, which have to stay within what browsers and servers take."""


def safe_back(address: str) -> str:
    """The address if it is one of the inbox, else that of somebody's own tasks."""
    inbox = reverse("inbox:mine")
    is_short = len(iri_to_uri(address)) <= LONGEST
    is_safe = is_short and address.startswith(inbox) and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_safe else inbox
