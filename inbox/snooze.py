"""The part of a task's page in which somebody puts the task off until later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import time_format
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from usertasks.actors import Actor
from usertasks.errors import Fault, InvalidArgument
from usertasks.locales import moment_at
from usertasks.models import UserTaskRun
from usertasks.snoozes import MOST, snoozed_until
from usertasks.wall_clocks import MomentField

UNTIL = "snooze-until"
"""The name of the input for a time of one's own."""

IN_AN_HOUR = "hour"
HOUR = timedelta(hours=1)
EVENING, MORNING = time(18), time(8)
MONDAY = 0


@dataclass(frozen=True)
class Preset:
    """A button: what it says, and what it sends: a moment, or that it is an hour from when it is pressed."""

    label: str
    value: str


def written_in(inputs: Any) -> Any:
    """What a POST brings as a time of one's own, with the zone in which it is meant."""
    return MomentField().widget.value_from_datadict(inputs, {}, UNTIL) or ""


class SnoozeBox:
    """What the template is given, as attributes: until when the task is put off, and what is offered."""

    def __init__(self, run: UserTaskRun, by: Actor, written: str = "") -> None:
        self.run, self.by, self.written = run, by, written
        self.now = timezone.now()

    @property
    def zone(self) -> str:
        """In which a time that is written here is meant."""
        return str(getattr(self.written, "zone", timezone.get_current_timezone()))

    @cached_property
    def until(self) -> datetime | None:
        """Until when it is put off; None where it is not, or is over anyhow."""
        return snoozed_until(self.run, by=self.by, now=self.now) if self.run.is_open else None

    def know_that_nothing_is_put_off(self) -> None:
        """Whoever has counted what is put off need not look for it."""
        self.until = None

    @property
    def earliest(self) -> datetime:
        return timezone.localtime(self.now)

    @property
    def latest(self) -> datetime:
        return timezone.localtime(self.now + MOST)

    @property
    def presets(self) -> list[Preset]:
        """What most people want, by the clock on their wall."""
        return [Preset(_("In an hour"), IN_AN_HOUR), *self._by_the_clock()]

    def _by_the_clock(self) -> Iterator[Preset]:
        here = timezone.localtime(self.now)
        tomorrow = here + timedelta(days=1)
        monday = here + timedelta(days=(MONDAY - here.weekday()) % 7 or 7)
        if here + HOUR < here.replace(hour=EVENING.hour, minute=0):
            yield from _preset(_("This evening, %(time)s"), here, EVENING)
        yield from _preset(_("Tomorrow, %(time)s"), tomorrow, MORNING)
        if monday.date() != tomorrow.date():
            yield from _preset(_("On Monday, %(time)s"), monday, MORNING)

    def chosen(self, value: str) -> datetime:
        """The moment that a button stands for: that of a preset, or the one written. Raises `InvalidArgument`."""
        if value == IN_AN_HOUR:
            return self.now + HOUR
        try:
            moment = _moment(value) if value else MomentField(required=False).clean(self.written)
        except ValidationError as error:
            raise InvalidArgument.at("until", Fault("invalid", error.messages[0])) from None
        if moment is None:
            raise InvalidArgument.at("until", Fault("required", _("Say until when")))
        return moment


def _preset(label: str, day: datetime, clock: time) -> Iterator[Preset]:
    """None at a time that the clocks skip on that day."""
    moment = moment_at(datetime.combine(day.date(), clock), timezone.get_current_timezone())
    if moment:
        yield Preset(label % {"time": time_format(clock)}, moment.isoformat())


def _moment(text: str) -> datetime | None:
    """The moment that a button says; None for what is none, which no button of ours says."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
