"""The Django application that holds the domain and its doors."""

from __future__ import annotations

from django.apps import AppConfig


class UserTasksConfig(AppConfig):
    name = "usertasks"
    verbose_name = "User tasks"
    default_auto_field = "django.db.models.BigAutoField"
