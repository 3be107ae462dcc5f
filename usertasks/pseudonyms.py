"""What logs say instead of a name: a word that tells people apart and does not tell who they are."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

LENGTH = 8


def pseudonym_of(user_id: str) -> str:
    """The same eight hex digits whenever the same person is meant; whoever has the secret key can find out who it is.

    Two people share one by chance: among 10,000, about one in a hundred deployments has such a pair.
    """
    return salted_hmac(__name__, user_id.encode("utf-8", "surrogatepass"), algorithm="sha256").hexdigest()[:LENGTH]
