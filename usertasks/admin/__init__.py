"""The admin at /admin/, for staff: definitions, runs, people, tokens. What changes here, changes by an operation."""

from django.contrib import admin

from .audit import EventAdmin, RefusalAdmin
from .definitions import DefinitionAdmin
from .mails import MailAdmin
from .people import GroupLeadAdmin, SubstitutionAdmin
from .runs import RunAdmin
from .tokens import ApiTokenAdmin
from .webhooks import DeliveryAdmin, WebhookEndpointAdmin

__all__ = [
    "ApiTokenAdmin",
    "DefinitionAdmin",
    "DeliveryAdmin",
    "EventAdmin",
    "GroupLeadAdmin",
    "MailAdmin",
    "RefusalAdmin",
    "RunAdmin",
    "SubstitutionAdmin",
    "WebhookEndpointAdmin",
]

admin.site.site_header = "usertasks"
admin.site.site_title = "usertasks"
