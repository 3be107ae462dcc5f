"""The languages and time zones in which people are spoken to, and what a clock on their wall means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format

OF_THE_MACHINE = frozenset({"Factory", "localtime", "posixrules"})
"""What lies beside the time zones and is none that somebody could be in."""


class Zone(ZoneInfo):
    """A time zone in which the first and the last hours of the calendar can be shown as well.

    They lie before the year 1 or after 9999 in some zones; a page that shows such a moment must not fail.
    """

    def fromutc(self, moment: datetime) -> datetime:
        try:
            return super().fromutc(moment)
        except OverflowError:
            return moment


@cache
def zone_names() -> frozenset[str]:
    """The names of the time zones that this machine knows."""
    return frozenset(available_timezones()) - OF_THE_MACHINE


def zone_named(name: str) -> Zone | None:
    """The zone with that name, which may be anything that somebody sent."""
    return Zone(name) if name in zone_names() else None


@dataclass(frozen=True)
class Locale:
    """How somebody is spoken to."""

    language: str
    zone: Zone

    @contextmanager
    def spoken(self) -> Iterator[None]:
        """Texts, moments and forms are theirs meanwhile."""
        with translation.override(self.language), timezone.override(self.zone):
            yield


def locale_of(*, languages: Iterable[str] = (), time_zones: Iterable[str] = ()) -> Locale:
    """The first language and the first zone that there are; else English, and the zone of the settings."""
    spoken = {code for code, _ in settings.LANGUAGES}
    language = next((language for language in languages if language in spoken), settings.LANGUAGE_CODE)
    zone = next(filter(None, map(zone_named, time_zones)), None)
    return Locale(language, zone or Zone(settings.TIME_ZONE))


def moment_at(wall: datetime, zone: tzinfo) -> datetime | None:
    """What a clock on a wall there means: of two moments the first, and None for a time that the clock skips."""
    first, second = (wall.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    before, after = first.utcoffset(), second.utcoffset()
    is_skipped = before is not None and after is not None and before < after
    return None if is_skipped else first


def exact(moment: datetime) -> str:
    """A moment to the minute with the zone that it is said in: "21 November 2026, 18:30 JST"."""
    local = timezone.localtime(moment)
    return f"{date_format(local, 'DATETIME_FORMAT')} {_abbreviation(local)}"


def _abbreviation(local: datetime) -> str:
    """Many zones have none; the database then gives the offset: "+04"."""
    name = local.tzname() or ""
    return name if name[:1].isalpha() else f"UTC{name}"
