"""How far a long command has come, for whoever looks on at a terminal; in a log or a pipe it would be noise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

WIDTH = 30
SECONDS_BETWEEN = 0.1


@dataclass
class Progress:
    """A bar on `stream`, which is a terminal or gets nothing; to be used in a `with` block, which clears it away."""

    stream: Any
    total: int
    what: str
    done: int = 0
    shown_at: float = field(default=float("-inf"))

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._is_seen:
            self._write("")

    def advance(self, steps: int) -> None:
        """So many more are done."""
        self.done += steps
        now = time.monotonic()
        if self._is_seen and now - self.shown_at >= SECONDS_BETWEEN:
            self.shown_at = now
            self._write(self.line())

    def line(self) -> str:
        share = min(1.0, self.done / self.total) if self.total else 1.0
        bar = "#" * round(share * WIDTH)
        return f"{self.what} [{bar:<{WIDTH}}] {share:4.0%}  {self.done:,} of about {self.total:,}"

    def _write(self, line: str) -> None:
        """In place of the line before, and not in the colour of errors."""
        self.stream.write(f"\r\033[K{line}", style_func=str, ending="")
        self.stream.flush()

    @property
    def _is_seen(self) -> bool:
        return bool(self.stream.isatty())
