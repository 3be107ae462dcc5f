"""Where the API's description is served, raw and to browse."""

from __future__ import annotations

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation


class SchemaView(SpectacularAPIView):
    """The description itself, for everybody: it holds no secret."""

    content_negotiation_class = DefaultContentNegotiation
    authentication_classes = ()
    permission_classes = ()


class DocsView(SpectacularSwaggerSplitView):
    """The description to browse; everything it needs is served from here."""

    template_name = "api/docs.html"

    content_negotiation_class = DefaultContentNegotiation
    authentication_classes = ()
    permission_classes = ()
