"""The addresses of the pages: signing in and out, the boxes, the tasks, and what people set for themselves."""

from __future__ import annotations

from uuid import UUID

from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from . import views


class RunIdConverter:
    """The id of a run: 32 hex digits, which is what we write, or the form with dashes."""

    regex = "[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> UUID:
        return UUID(value)

    def to_url(self, value: UUID) -> str:
        return value.hex


register_converter(RunIdConverter, "run_id")

pages = [
    path("", views.box, {"name": "mine"}, name="mine"),
    path("groups/", views.box, {"name": "groups"}, name="groups"),
    path("overdue/", views.box, {"name": "overdue"}, name="overdue"),
    path("snoozed/", views.box, {"name": "snoozed"}, name="snoozed"),
    path("done/", views.box, {"name": "done"}, name="done"),
    path("standing-in/", views.box, {"name": "standing-in"}, name="standing-in"),
    path("all/", views.box, {"name": "all"}, name="all"),
    path("filters/", views.filters, name="filters"),
    path("filters/<int:filter_id>/forget/", views.forget, name="forget-filter"),
    path("team/", views.team, name="team"),
    path("many/", views.many, name="many"),
    path("many/do/", views.do_many, name="do-many"),
    path("many/<run_id:change_id>/", views.done_many, name="done-many"),
    path("many/<run_id:change_id>/undo/", views.undo_many, name="undo-many"),
    path("live/", views.live, name="live"),
    path("counts/", views.counts, name="counts"),
    path("arrivals/", views.arrivals, name="arrivals"),
    path("notifications/", views.mail_choice, name="notifications"),
    path("preferences/", views.preferences, name="preferences"),
    path("substitutes/", views.substitutes, name="substitutes"),
    path("substitutes/<int:substitution_id>/end/", views.end, name="end-substitution"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", views.revoke, name="revoke-token"),
    path("words/<slug:language>/<slug:digest>/", views.words, name="words"),
    path("next/", views.give_next, name="next"),
    path("tasks/<run_id:run_id>/", views.task, name="task"),
    path("tasks/<run_id:run_id>/files/<int:position>/", views.file, name="file"),
    path("tasks/<run_id:run_id>/draft/", views.save_draft, name="draft"),
    path("tasks/<run_id:run_id>/draft/bring-back/", views.bring_back, name="bring-back"),
    path("tasks/<run_id:run_id>/uploads/<run_id:upload_id>/", views.upload, name="upload"),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="inbox:mine")),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/elsewhere/", views.sign_in_elsewhere, name="sign-in-elsewhere"),
    path("sign-in/back/", views.sign_in_back, name="sign-in-back"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("inbox/", include((pages, "inbox"))),
]
