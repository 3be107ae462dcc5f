"""Where commands write what they hand out: to a file that only its owner reads, or to the standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

ONLY_OWNER = 0o600


def write_lines(lines: Iterable[str], path: Path | None, stdout: Any) -> None:
    """Write the lines as they are, whatever they end with. Raises `CommandError` where that cannot be done."""
    try:
        if path is None:
            for line in lines:
                stdout.write(line, ending="")
            return
        path.touch(mode=ONLY_OWNER)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    except BrokenPipeError:  # whoever read it has seen enough, as `head` does; Python would flush once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as problem:
        raise CommandError(f"{path or 'standard output'}: {problem.strerror}") from None
