"""Where the words of scripts are had, for the frame of the pages: see components/words.html."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from inbox.words import words_in

register = template.Library()


@register.simple_tag
def address_of_words() -> str:
    """For the language of the page; nothing where the scripts speak it by themselves."""
    found = words_in(get_language() or "")
    return found.address if found else ""
