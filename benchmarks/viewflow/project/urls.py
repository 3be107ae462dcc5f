"""The site: signing in, and one application with the inbox, the queue and the tasks of one flow."""

# mypy: ignore-errors
from __future__ import annotations

from django.urls import path
from purchases.flows import PurchaseFlow
from viewflow.contrib.auth import AuthViewset
from viewflow.urls import Site
from viewflow.workflow.flow import FlowAppViewset

site = Site(title="Purchases", viewsets=[FlowAppViewset(PurchaseFlow, icon="assignment")])

urlpatterns = [
    path("accounts/", AuthViewset().urls),
    path("", site.urls),
]
