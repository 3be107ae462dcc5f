"""One human step between start and end, as in Viewflow's quick start, with its lock for PostgreSQL.

A group's queue is a permission for each department, computed from the process: the documented form of `Permission`.
"""

# mypy: ignore-errors
from __future__ import annotations

from django.contrib.auth.models import User
from viewflow import this
from viewflow.workflow import flow, lock
from viewflow.workflow.flow import views

from .models import Purchase


def work_of_department(activation) -> str | None:
    department = activation.process.department
    return f"purchases.work_of_{department}" if department else None


def named_person(activation) -> User | None:
    return User.objects.filter(username=activation.process.assignee).first() if activation.process.assignee else None


class PurchaseFlow(flow.Flow):
    process_class = Purchase
    process_title = "Purchase"
    lock_impl = lock.select_for_update_lock

    start = flow.Start(views.CreateProcessView.as_view(fields=["department", "assignee"])).Next(this.answer)

    answer = (
        flow.View(views.UpdateProcessView.as_view(fields=["reason", "kind", "amount", "cost", "urgent", "needed_by"]))
        .Annotation(title="What somebody asks for")
        .Permission(work_of_department)
        .Assign(named_person)
        .Next(this.end)
    )

    end = flow.End()
