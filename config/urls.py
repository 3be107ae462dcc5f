"""The paths of the whole application."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path

from inbox.views import change_password, page_not_found, sign_in_to_admin, sign_out
from usertasks.api.problems import no_such_path
from usertasks.health import healthz, readyz

handler400 = "config.handlers.bad_request"
handler500 = "config.handlers.server_error"

urlpatterns = [
    path("api/v1/", include("usertasks.api.urls")),
    re_path("^api/", no_such_path),
    path("admin/login/", sign_in_to_admin),
    path("admin/logout/", sign_out),
    path("admin/password_change/", admin.site.admin_view(change_password)),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("inbox.urls")),
    # Last, and only for paths that end with a slash: others are first tried with one.
    re_path(".*/$", page_not_found),
]
