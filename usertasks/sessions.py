"""The sessions of `django.contrib.sessions.backends.db`, found by a prepared statement: every page asks for one."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from .by_key import find


class SessionStore(db.SessionStore):
    """It has Django's name as well: sessions are signed with it."""

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key or ""
        # A cookie can say anything, also what PostgreSQL takes for no text.
        session = find(Session, session_key=key) if key.isascii() and key.isalnum() else None
        if session is None or session.expire_date <= timezone.now():
            self._session_key = None
            return None
        return session
