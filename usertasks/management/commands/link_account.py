"""`manage.py link_account USERNAME SUBJECT`: an account with rights of its own is that of somebody at the provider."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...errors import NotAllowed
from ...issuer import provider_of_sign_on
from ...links import MAX_SUBJECT, link_account


class Command(BaseCommand):
    help = (
        "Link an account to a person of the OpenID provider. Accounts without rights are linked by their name at the "
        "first sign-in; those of superusers, staff, services and holders of tokens are not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME", help="an account that is there")
        parser.add_argument("subject", metavar="SUBJECT", help="the claim `sub` of that person at the provider")

    def handle(self, *args: Any, username: str, subject: str, **options: Any) -> None:
        if not provider_of_sign_on():
            raise CommandError("There is no provider: OIDC_SERVER_URL or JWT_ISSUER says which.")
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username!r}.")
        if not 0 < len(subject) <= MAX_SUBJECT:
            raise CommandError(f"A subject has 1 to {MAX_SUBJECT} characters.")
        try:
            link_account(provider_of_sign_on(), subject, user)
        except NotAllowed as refusal:
            raise CommandError(refusal.detail) from None
        self.stdout.write(f"{username} is {subject} at {provider_of_sign_on()}.")
