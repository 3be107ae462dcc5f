"""Which account belongs to whom at the OpenID provider: an admin sees the links, and can take one away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    BaseAdmin = admin.ModelAdmin[SocialAccount]
else:
    BaseAdmin = admin.ModelAdmin

for model in (EmailAddress, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(SocialAccount)
class LinkAdmin(BaseAdmin):
    """Links come about by signing in; once one is gone, the next who signs in under that name gets the account."""

    list_display = ("user", "uid", "provider", "last_login")
    search_fields = ("user__username", "uid")
    list_select_related = ("user",)
    readonly_fields = fields = ("user", "uid", "provider", "date_joined", "last_login")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
