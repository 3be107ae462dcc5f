"""The admin at /admin/: definitions, runs and API tokens, for staff. Whatever changes here, changes by an operation."""

from django.contrib import admin

from .definitions import DefinitionAdmin
from .mails import MailAdmin
from .runs import RunAdmin
from .tokens import ApiTokenAdmin
from .webhooks import DeliveryAdmin, WebhookEndpointAdmin

__all__ = ["ApiTokenAdmin", "DefinitionAdmin", "DeliveryAdmin", "MailAdmin", "RunAdmin", "WebhookEndpointAdmin"]

admin.site.site_header = "usertasks"
admin.site.site_title = "usertasks"
