"""What a process remembers of what it was asked last, for all of its threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock


class Remembered[K: Hashable, V]:
    """The values of the keys that were asked for last, `most` at most."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def keep(self, key: K, value: V) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self.most:
                self._values.popitem(last=False)

    def keys(self) -> list[K]:
        """What was not asked for in the longest time, first."""
        with self._lock:
            return list(self._values)

    def forget(self) -> None:
        with self._lock:
            self._values.clear()
