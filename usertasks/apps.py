"""The Django application that holds the domain and its doors."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from .checks import doors_are_shut, secrets_are_secret, tasks_can_be_loaded


class UserTasksConfig(AppConfig):
    name = "usertasks"
    verbose_name = _("User tasks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(tasks_can_be_loaded)
        register(secrets_are_secret, deploy=True)
        register(doors_are_shut, deploy=True)
