"""Which mails a person wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from inbox.boxes import tabs_for
from usertasks.actors import Door
from usertasks.callers import actor_of
from usertasks.models import MailChoice
from usertasks.models.mails import CHOOSABLE

if TYPE_CHECKING:
    BaseForm = forms.ModelForm[MailChoice]
else:
    BaseForm = forms.ModelForm


class MailChoiceForm(BaseForm):
    class Meta:
        model = MailChoice
        fields = [kind.value for kind in CHOOSABLE]


@require_http_methods(["GET", "HEAD", "POST"])
def mail_choice(request: HttpRequest) -> HttpResponse:
    """GET shows what is chosen, POST changes it."""
    assert isinstance(request.user, User)
    form = MailChoiceForm(request.POST if request.method == "POST" else None, instance=MailChoice.of(request.user))
    if form.is_valid():
        MailChoice.objects.update_or_create(user=request.user, defaults=form.cleaned_data)
        messages.success(request, _("Your choice is saved."))
        return redirect("inbox:notifications")
    context = {"form": form, "address": request.user.email, "tabs": tabs_for(actor_of(request, Door.PAGE))}
    return render(request, "inbox/mail_choice.html", context)
