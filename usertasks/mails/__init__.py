"""Mail, the door through which the system speaks first: what is still worth sending, how it reads, and sending it."""

from .job import Mails

__all__ = ["Mails"]
