"""How a process that serves is told to stop: by SIGTERM, or by Ctrl-C."""

from __future__ import annotations

import signal
import threading

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_event() -> threading.Event:
    """An event that is set when the process is told to stop; to be asked for before any other thread is started.

    A handler of Python runs in the main thread only, which sleeps on where another thread was the one to catch the
    signal. So every thread blocks these signals, and one that does nothing else takes them.
    """
    stop = threading.Event()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=_wait, args=[stop], name="signals", daemon=True).start()
    return stop


def _wait(stop: threading.Event) -> None:
    signal.sigwait(SIGNALS)
    stop.set()
