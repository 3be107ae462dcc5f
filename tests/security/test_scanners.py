"""That the scanner of known vulnerabilities finds what there is, and says so where it cannot know."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scanners.known_vulnerabilities import WRITTEN, NoAnswer, age, answer, audit, serving, trusted_audit

ADVISORY = {
    "id": "GHSA-0000-0000-0000",
    "cve": "CVE-2026-0001",
    "advisory": "Everything is readable",
    "fixed_in": "4.2.5",
    "v": ">=4.2,<4.2.5",
}
"""As the package has them."""


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("Django==4.2.0\nidna==3.10\n")
    return path


def test_what_is_locked_and_vulnerable_is_found(locked: Path) -> None:
    with serving({"django": [ADVISORY], "idna": [ADVISORY]}) as url:
        told = trusted_audit([locked], "--osv-url", url)
    assert told.packages == 2
    assert [(finding.package, finding.advisory, finding.fixed_in) for finding in told.findings] == [
        ("django", "CVE-2026-0001", "4.2.5")
    ]


def test_a_source_that_knows_nothing_is_not_believed(locked: Path) -> None:
    with serving({}) as url, pytest.raises(NoAnswer):
        trusted_audit([locked], "--osv-url", url)


def test_a_source_that_does_not_answer_is_no_good_news(locked: Path) -> None:
    with serving({}) as url:
        pass
    with pytest.raises(NoAnswer):
        audit([locked], "--osv-url", url)


def test_an_advisory_concerns_the_versions_it_names() -> None:
    concerned = [version for version in ("4.1", "4.2", "4.2.4", "4.2.5") if answer("django", version, [ADVISORY])]
    assert concerned == ["4.2", "4.2.4"]


def test_the_age_of_what_the_package_knows_is_said() -> None:
    written = max(WRITTEN.values())
    assert f"{written}, 100 days old" in age(date.fromordinal(written.toordinal() + 100))
