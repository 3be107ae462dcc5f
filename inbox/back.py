"""The page from which somebody came, with its filters: an address says so, and is not believed blindly."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme


def safe_back(address: str) -> str:
    """The address if it is one of the inbox, else that of somebody's own tasks."""
    inbox = reverse("inbox:mine")
    is_safe = address.startswith(inbox) and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_safe else inbox
