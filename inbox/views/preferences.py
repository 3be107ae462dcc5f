"""In which language and time zone somebody wants the pages, and whether single keys do something."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inbox.boxes import tabs_for
from inbox.locale import browser_zone, locale_for, preferences_of
from inbox.preferences import PreferencesForm
from usertasks.actors import Door
from usertasks.callers import actor_of
from usertasks.locales import zone_named
from usertasks.models import Preferences


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """GET shows what is chosen, POST changes it."""
    assert isinstance(request.user, User)
    chosen = preferences_of(request.user.username)
    zone = zone_named(browser_zone(request))
    given = request.POST if request.method == "POST" else None
    form = PreferencesForm(given, instance=chosen, browser_zone=str(zone or ""))
    if form.is_valid():
        Preferences.objects.update_or_create(user_id=chosen.user_id, defaults=form.cleaned_data)
        with locale_for(request, form.instance).spoken():
            messages.success(request, _("Your choice is saved."))
        return redirect("inbox:preferences")
    context = {
        "form": form,
        "now": timezone.now(),
        "zone": timezone.get_current_timezone_name(),
        "tabs": tabs_for(actor_of(request, Door.PAGE)),
    }
    return render(request, "inbox/preferences.html", context, status=400 if form.errors else 200)
