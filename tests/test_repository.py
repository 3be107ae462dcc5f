"""What people forget: rules of the house that a machine can hold, over all files git has or would take."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 400

# The rows of usertasks/, bottom to top: a file or package imports only from lower rows.
ROWS = (
    ("prepared",),
    ("grants", "by_key", "conditions_of", "remembered"),
    ("sessions",),
    ("__init__", "errors", "signatures", "actors"),
    ("json_text", "validation", "names", "roles", "secret_keys", "pseudonyms", "limits", "locales"),
    ("presentation", "base64_schema", "every_type", "chain", "wall_clocks"),
    ("controls", "addresses"),
    ("fieldtype",),
    ("fieldtypes", "courier"),
    ("conditions", "flaws", "signing_keys"),
    ("answers", "issuer"),
    ("json_schema",),
    ("tasks",),
    ("models", "checks"),
    ("migrations", "apps"),
    (
        "owners",
        "full_text",
        "moment_filters",
        "keysets",
        "known_conditions",
        "backends",
        "listing_rows",
        "closed_counts",
        "open_counts",
    ),
    ("totals",),
    ("filterset", "known_conditions"),
    ("rules", "events", "forms", "filters", "hooks", "outcomes", "uploads"),
    ("one_run", "json_filters", "content", "notifications", "history", "leads", "logbook"),
    ("webhooks", "accounts", "workload"),
    ("operations", "drafts", "links", "stuck", "bulk_outcomes"),
    ("feed", "bulk", "demo", "reminders", "forecast", "bearers", "tokens", "substitutions", "snoozes", "saved_filters"),
    ("audit",),
    ("redaction",),
    ("worker", "retention", "personal_data"),
    ("deliveries",),
    ("callers",),
    ("admin", "api", "rpc", "mails", "health"),
    ("management",),
)
ROW_OF = {name: row for row, names in enumerate(ROWS, start=1) for name in names}
DOMAIN = {name for name, row in ROW_OF.items() if row < ROW_OF["callers"]}
UNKNOWN_TO_THE_DOMAIN = (
    "rest_framework",
    "drf_spectacular",
    "grpc",
    "google.protobuf",
    "littlehorse",
    "django.http",
    "django.shortcuts",
    "django.template",
    "inbox",
    "config",
)

# In pieces, so that this file does not name what it forbids.
REGISTRY_HOSTS = [
    re.escape(".".join(pieces))
    for pieces in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("registry", "yarnpkg"),
        ("deb", "debian"),
        ("security", "debian"),
        ("proxy", "golang"),
        ("crates", "io"),
    )
]
REGISTRY = re.compile("|".join(REGISTRY_HOSTS), re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w./>}-])/(?:work|root|home|Users|opt/pypi|opt/wheels)/\w")
# `in FIELD_TYPES` asks the registry and is fine; `in ("STR", ...)` is a ladder.
TYPE_LADDER = re.compile(r"\bfield\.type\s*(?:==|!=|(?:not\s+)?in\s*[\[({\"'])|\bmatch\s+[\w.]*field\.type\b")


def repository_files() -> list[Path]:
    """Tracked files, and new ones that are not ignored: a rule should speak before the commit, not after."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        return []
    return [ROOT / name for name in listed.split("\0") if (ROOT / name).is_file()]


FILES = repository_files()
pytestmark = pytest.mark.skipif(not FILES, reason="not a git checkout")


def files(*folders: str, suffix: str = "") -> Iterator[tuple[str, str]]:
    """(path from the root, text) of the files below these folders, or of all."""
    for path in FILES:
        name = path.relative_to(ROOT)
        if path.suffix.endswith(suffix) and (not folders or name.parts[0] in folders):
            yield str(name), path.read_text(encoding="utf-8", errors="replace")


def lines_with(pattern: re.Pattern[str], *folders: str, suffix: str = "") -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:160]}"
        for name, text in files(*folders, suffix=suffix)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def module_of(name: str) -> tuple[str, ...]:
    """("usertasks", "models", "runs") of usertasks/models/runs.py; a package's __init__ is the package."""
    parts = Path(name).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts


def imported_modules(name: str, text: str) -> Iterator[str]:
    """Every module that a file imports, and every name it imports from one, with their full dotted names."""
    package = Path(name).parent.parts
    for node in ast.walk(ast.parse(text, name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative_to = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join((*relative_to, *filter(None, [node.module])))
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def is_or_is_below(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY) == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


def test_no_python_file_is_too_long_to_read() -> None:
    written = [(name, text) for name, text in files(suffix=".py") if "/migrations/" not in name]
    lengths = {name: len(text.splitlines()) for name, text in written}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_every_file_of_usertasks_has_a_row() -> None:
    homeless = {name for name, _ in files("usertasks", suffix=".py") if module_of(name)[1] not in ROW_OF}
    assert not homeless, f"give a row to {sorted(homeless)}: ROWS in tests/test_repository.py"


def test_imports_of_usertasks_point_down() -> None:
    upward = [
        f"{name} (row {ROW_OF[own]}) imports {module} (row {ROW_OF[imported]})"
        for name, text in files("usertasks", suffix=".py")
        if (own := module_of(name)[1]) in ROW_OF
        for module in imported_modules(name, text)
        if is_or_is_below(module, "usertasks")
        and (imported := (*module.split("."), "__init__")[1]) != own
        and ROW_OF.get(imported, 0) >= ROW_OF[own]
    ]
    assert upward == []


def test_the_domain_knows_no_door() -> None:
    knowing = [
        f"{name} imports {module}"
        for name, text in files("usertasks", suffix=".py")
        if module_of(name)[1] in DOMAIN
        for module in imported_modules(name, text)
        if any(is_or_is_below(module, door) for door in UNKNOWN_TO_THE_DOMAIN)
    ]
    assert knowing == []


def test_no_function_imports() -> None:
    hidden = [
        f"{name}:{node.lineno}: in {function.name}"
        for name, text in files("usertasks", "inbox", suffix=".py")
        for function in ast.walk(ast.parse(text, name))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_only_fieldtypes_asks_for_the_type_of_a_field() -> None:
    ladders = lines_with(TYPE_LADDER, "usertasks", "inbox", "templates", "config")
    assert [line for line in ladders if not line.startswith("usertasks/fieldtypes.py:")] == []
