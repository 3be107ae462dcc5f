"""The small pieces of HTML that stand in every row of a list: times, statuses, owners, links.

They are made here and not by templates because a page has hundreds of them, and most of its time went into these. What
anybody may have written goes through `escape`, also where it stands in an attribute; words of the catalogs are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from html import escape
from typing import Any

from django.template.defaultfilters import truncatechars
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from usertasks import locales
from usertasks.models import Status

from .boxes import Row, Tab
from .forms import STATUSES
from .times import due_in_words, in_words

USUAL_PRIORITY = 50
LONGEST_NOTES, LONGEST_STUCK_NOTES = 140, 100
MOMENTS_KNOWN = 4096


def icon(name: str) -> str:
    """A picture that says nothing more than the words beside it."""
    return f'<span class="icon icon-{name}" aria-hidden="true"></span>'


@dataclass(frozen=True)
class Words:
    """What every row says, in one language."""

    select: str
    select_number: str
    you: str
    created: str
    completed: str
    was_due: str
    no_due_date: str


@cache
def _words(language: str) -> Words:
    """`language` is that of the page."""
    return Words(
        select=_("Select %(title)s"),
        select_number=_("Select %(task)s, number %(number)s"),
        you=_("You"),
        created=_("Created"),
        completed=_("Completed"),
        was_due=_("Was due %(moment)s"),
        no_due_date=_("No due date"),
    )


@dataclass(frozen=True)
class Scribe:
    """Who writes the pieces of a page: in its language and time zone, at one moment, for one person."""

    language: str
    zone: tzinfo
    now: datetime
    me: str = ""

    @classmethod
    def here(cls, me: str = "") -> Scribe:
        return cls(get_language() or "", timezone.get_current_timezone(), timezone.now(), me)

    @property
    def words(self) -> Words:
        return _words(self.language)

    def exact(self, at: datetime) -> str:
        """To the minute, in the person's zone, as their language writes it."""
        return _exact(at.replace(second=0, microsecond=0), self.language, str(self.zone))

    def moment(self, at: datetime) -> SafeString:
        """A time as people say it, the exact one beside it."""
        return _safe(self._time(at, self.exact(at), in_words(at, self.now, self.language)))

    def due(self, run: Any, *, is_overdue: bool) -> SafeString:
        """When it is due; overdue is said in words too."""
        if not run.due_at:
            return _safe(f'<span class="faint">{self.words.no_due_date}</span>')
        title, said = self.exact(run.due_at), due_in_words(run.due_at, self.now, self.language)
        if not is_overdue:
            return _safe(f'<span class="due">{self._time(run.due_at, title, said)}</span>')
        time = self._time(run.due_at, self.words.was_due % {"moment": title}, said)
        return _safe(f'<span class="badge badge-overdue">{icon("warning")}{time}</span>')

    def _time(self, at: datetime, title: str, said: str) -> str:
        stamp = at.astimezone(self.zone).isoformat()
        return f'<time datetime="{stamp}" title="{escape(title)}">{escape(said)}</time>'

    def status(self, run: Any) -> SafeString:
        """The status as a badge."""
        return _status(run.status, self.language)

    def priority(self, run: Any) -> SafeString:
        """From 0 to 100; 50 is the usual one."""
        return _priority(run.priority, self.language)

    def owner(self, run: Any) -> SafeString:
        """Whose it is: a person, a group, or both."""
        person = group = ""
        if run.user_id:
            name = self.words.you if run.user_id == self.me else escape(run.user_id)
            person = f'<span class="person">{icon("person")}{name}</span>'
        if run.user_group:
            group = f'<span class="group">{icon("group")}{escape(run.user_group)}</span>'
        return _safe(person + group)

    def row(self, row: Row, *, url: str, can_choose: bool) -> str:
        """A line of a list, which leads to `url`."""
        run, key, title, words = row.run, row.run.id.hex, escape(row.title), self.words
        late = " is-overdue" if row.is_overdue else ""
        label = words.select % {"title": title}
        tick = f'<input type="checkbox" name="run" value="{key}" form="many" aria-label="{label}">'
        return f"""
<li class="row{late}" id="run-{key}" data-run="{key}" data-version="{run.version}">
  <div class="row-check">{tick if can_choose else ""}</div>
  <div class="row-what">
    <a class="row-title" href="{escape(url)}">{title}</a>
    <p class="row-notes">{escape(shortened(run.notes))}</p>
  </div>
  <div class="row-who">{self.owner(run)}</div>
  <div class="row-due">{self._end(row)}</div>
  <div class="row-priority">{self.priority(run)}</div>
  <div class="row-age"><span class="unseen-wide">{words.created} </span>{self.moment(run.scheduled_time)}</div>
  <div class="row-status">{self.status(run)}</div>
</li>"""

    def stuck_row(self, row: Any, number: int, *, url: str, is_ticked: bool) -> str:
        """A line of what is stuck (`team.StuckRow`), which leads to `url`; `number` tells it from others like it."""
        run, title, words = row.run, escape(row.title), self.words
        label = words.select_number % {"task": title, "number": number}
        checked = " checked" if is_ticked else ""
        tick = (
            f'<label class="tick"><input type="checkbox" name="run" value="{run.id.hex}"{checked}>'
            f'<span class="unseen">{label}</span></label>'
        )
        return f"""
<li class="stuck-row">
  {tick if row.is_movable else ""}
  <div class="stuck-what">
    <a class="stuck-title" href="{escape(url)}">{title}</a>
    <p class="row-notes">{escape(shortened(run.notes, LONGEST_STUCK_NOTES))}</p>
  </div>
  <div class="stuck-who">{self.owner(run)}</div>
  <div class="stuck-due">{self.due(run, is_overdue=row.is_overdue) if run.due_at else ""}</div>
  <div class="stuck-age"><span class="faint">{words.created} {self.moment(run.scheduled_time)}</span></div>
</li>"""

    def _end(self, row: Row) -> str:
        """When it is due, or when it was completed."""
        if row.is_open:
            return self.due(row.run, is_overdue=row.is_overdue)
        if row.run.completed_at:
            return f'<span class="faint">{self.words.completed} {self.moment(row.run.completed_at)}</span>'
        return '<span class="faint">–</span>'  # noqa: RUF001 # a dash, as it is printed

    def box_link(self, tab: Tab, *, is_open: bool, is_boosted: bool) -> str:
        """A place of the navigation, with how much lies there."""
        title, url = escape(str(tab.title)), escape(tab.url)
        whose = counted = ""
        if tab.saved and tab.saved.user_id != self.me:
            by = _("by %(name)s") % {"name": escape(tab.saved.user_id)}
            whose = f' <span class="box-whose">{by}</span>'
        if tab.count is not None:
            counted = f' <span class="count" data-count="{url}">{tab.count}</span>'
        within = " is-within" if tab.within == "group" else ""
        state = (' aria-current="page"' if is_open else "") + (' hx-boost="true"' if is_boosted and tab.box else "")
        full = f' title="{title}"' if tab.within else ""
        return (
            f'<li><a class="box-link{within}" href="{url}"{state}>'
            f'<span class="box-title"{full}>{title}{whose}</span>{counted}</a></li>'
        )


@lru_cache(MOMENTS_KNOWN)
def _exact(at: datetime, language: str, zone: str) -> str:
    """A page names the same minutes over and over; language and zone are those of the page."""
    return locales.exact(at)


@cache
def _status(value: str, language: str) -> SafeString:
    name = Status(value).lower()
    return _safe(f'<span class="badge badge-{name}">{icon(name)}{STATUSES[Status(value)]}</span>')


@cache
def _priority(value: int, language: str) -> SafeString:
    if value > USUAL_PRIORITY:
        mark, said = " priority-high", f"{icon('up')}{_('High')}"
    elif value < USUAL_PRIORITY:
        mark, said = " priority-low", f"{icon('down')}{_('Low')}"
    else:
        mark, said = "", _("Normal")
    number = f'<span class="number">{value}</span>'
    return _safe(f'<span class="priority{mark}"><span class="unseen">{_("Priority:")} </span>{said} {number}</span>')


def shortened(notes: str, most: int = LONGEST_NOTES) -> str:
    """The beginning of the notes, which a row has room for."""
    return notes if len(notes) <= most and notes.isascii() else truncatechars(notes, most)


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # nosec B308 B703 # every caller escapes what it was given
