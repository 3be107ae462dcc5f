"""The shapes of requests, which they are read with, and of answers, which they are described with.

Limits stand in the domain, and are not repeated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..bulk import ACTIONS
from ..fieldtypes import FIELD_TYPES
from ..models import EventType, Hook, HookAction, HookState, LapseReason, Status
from ..operations import RunRequest, SavePolicy
from ..rules import Action
from .shapes import AnyObject, AnyValue, Guid, Moment, Names, Request, Results, Storable, Text, Whole, YesOrNo


class DefinitionReference(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField(min_value=0)


class TaskArguments(serializers.Serializer[Any]):
    task_def_name = serializers.CharField()
    variables = serializers.DictField()


class ReassignArguments(serializers.Serializer[Any]):
    user_id = serializers.CharField(allow_null=True)
    user_group = serializers.CharField(allow_null=True)


class ActionArguments(serializers.Serializer[Any]):
    """Exactly one of them."""

    task = TaskArguments(required=False)
    reassign = ReassignArguments(required=False)
    cancel = serializers.DictField(required=False)


class ActionDescription(ActionArguments):
    """What a run does by itself, `delay_seconds` after the hook."""

    hook = serializers.ChoiceField(choices=Hook.choices)
    delay_seconds = serializers.IntegerField(min_value=0)


@extend_schema_field(ActionDescription(many=True))
class Actions(AnyValue):
    """A list of actions; what may be in it, the domain says."""


class ArmedAction(ActionArguments):
    """An action with the moment at which it is due, and what has become of it; `reason` says why it lapsed."""

    hook = serializers.ChoiceField(choices=Hook.choices)
    action = serializers.ChoiceField(choices=HookAction.choices)
    delay_seconds = serializers.IntegerField(min_value=0)
    due_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=HookState.choices)
    reason = serializers.ChoiceField(choices=LapseReason.choices, allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)
    lapses_on_reassign = serializers.BooleanField()
    error = serializers.CharField(allow_null=True)


class FieldRequest(Request):
    name = Text()
    type = serializers.ChoiceField(choices=list(FIELD_TYPES))
    display_name = Text(default="")
    description = Text(default="")
    required = YesOrNo(default=True)  # type: ignore[assignment]
    validation = Storable(default=dict)
    presentation = Storable(default=dict)


class DefinitionRequest(Request):
    """`actions`: what runs do by themselves that name none; not given, they stay those of the newest version."""

    name = Text()
    description = Text(default="")
    fields = FieldRequest(many=True)  # type: ignore[assignment]
    actions = Actions(required=False, allow_null=True, default=None)


class Definition(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField(min_value=0)
    description = serializers.CharField(allow_blank=True)
    actions = ActionDescription(many=True)
    fields = FieldRequest(many=True)  # type: ignore[assignment]
    created_at = serializers.DateTimeField()


class DefinitionChoice(Request):
    name = Text()
    version = Whole(required=False, allow_null=True, default=None)


class RunCreation(Request):
    """`id`: bring your own, and the request can be repeated without fear."""

    user_task_def = DefinitionChoice()
    user_id = Text(required=False, allow_null=True, default=None)
    user_group = Text(required=False, allow_null=True, default=None)
    id = Guid(required=False, allow_null=True, default=None)
    wf_run_id = Text(required=False, allow_null=True, default=None)
    notes = Text(default="")
    due_at = Moment(required=False, allow_null=True, default=None)
    priority = Whole(default=50)
    actions = Actions(required=False, allow_null=True, default=None)
    on_cancellation_exception_name = Text(required=False, allow_null=True, default=None)
    excluded_user_ids = Names(required=False, allow_null=True, default=None)

    def to_request(self) -> RunRequest:
        """What was asked for, in the domain's terms."""
        return self.request_of(self.validated_data)

    def request_of(self, validated: Mapping[str, Any]) -> RunRequest:
        values = dict(validated)
        definition = values.pop("user_task_def")
        return RunRequest(user_task_def_name=definition["name"], user_task_def_version=definition["version"], **values)


class Run(serializers.Serializer[Any]):
    """A run as it stands in a list."""

    id = serializers.RegexField("^[0-9a-f]{32}$")
    wf_run_id = serializers.CharField()
    user_task_def = DefinitionReference()
    user_id = serializers.CharField(allow_null=True)
    user_group = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices)
    results = serializers.DictField()
    notes = serializers.CharField(allow_blank=True)
    scheduled_time = serializers.DateTimeField()
    epoch = serializers.IntegerField(min_value=0)
    version = serializers.IntegerField(min_value=1)
    due_at = serializers.DateTimeField(allow_null=True)
    priority = serializers.IntegerField(min_value=0, max_value=100)
    actions = ActionDescription(many=True)
    on_cancellation_exception_name = serializers.CharField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    excluded_user_ids = serializers.ListField(child=serializers.CharField())
    allowed_actions = serializers.ListField(child=serializers.ChoiceField(choices=[action.value for action in Action]))


class RunDetail(Run):
    """A run with the questions that it asks, what it does by itself, and until when the caller has put it off."""

    fields = FieldRequest(many=True)  # type: ignore[assignment]
    armed_actions = ArmedAction(many=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)


class Count(serializers.Serializer[Any]):
    count = serializers.IntegerField(min_value=0)


class NextClaim(Request):
    """`user_group`: from that group only; default: from any group of the caller."""

    user_group = Text(required=False, allow_null=True, default=None)


class Snoozing(Request):
    """`until` lies in the future, and within a year."""

    until = Moment()


class Nothing(Request):
    """An empty object."""


class Assignment(Request):
    user_id = Text(required=False, allow_null=True, default=None)
    user_group = Text(required=False, allow_null=True, default=None)
    override_claim = YesOrNo(default=False)


class Saving(Request):
    """`user_id` defaults to the caller; another one takes `usertasks.act_on_behalf`."""

    results = Results()
    policy = serializers.ChoiceField(choices=list(SavePolicy), default=SavePolicy.FAIL_IF_CLAIMED_BY_OTHER)
    user_id = Text(required=False, allow_null=True, default=None)

    def validate_policy(self, value: str) -> SavePolicy:
        return SavePolicy(value)


class Completion(Request):
    """`user_id` defaults to the caller; another one takes `usertasks.act_on_behalf`."""

    results = Results(default=dict)
    user_id = Text(required=False, allow_null=True, default=None)


class CommentRequest(Request):
    """`user_id` defaults to the caller; another one takes `usertasks.act_on_behalf`."""

    comment = Text()
    user_id = Text(required=False, allow_null=True, default=None)


class Comment(serializers.Serializer[Any]):
    id = serializers.IntegerField(min_value=1)
    user_id = serializers.CharField()
    comment = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted = serializers.BooleanField()


class Event(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1)
    time = serializers.DateTimeField()
    type = serializers.ChoiceField(choices=EventType.choices)
    actor = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]


class Verdict(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    reason = serializers.CharField()
    detail = serializers.CharField()


class Explanation(serializers.Serializer[Any]):
    user_id = serializers.CharField()
    actions = serializers.DictField(child=Verdict())
    who_could_act = serializers.ListField(child=serializers.CharField())


class Fault(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.DictField(child=serializers.ListField(child=Fault()), required=False)  # type: ignore[assignment]


class Batch(Request):
    runs = serializers.ListField(child=AnyValue(), min_length=1)
    atomic = YesOrNo(default=True)


class BatchDescription(serializers.Serializer[Any]):
    """At most 1,000 runs; with `atomic` (the default) all of them are created or none."""

    runs = RunCreation(many=True)
    atomic = serializers.BooleanField(default=True)


class BatchResult(serializers.Serializer[Any]):
    status = serializers.IntegerField()
    id = serializers.RegexField("^[0-9a-f]{32}$", allow_null=True)
    code = serializers.CharField(allow_null=True)
    errors = serializers.DictField(child=serializers.ListField(child=Fault()))  # type: ignore[assignment]


class BatchResults(serializers.Serializer[Any]):
    results = BatchResult(many=True)


class Bulk(Request):
    """One operation on many runs: those with these `ids`, or those that match this `filter` of a search."""

    action = serializers.ChoiceField(choices=list(ACTIONS))
    ids = serializers.ListField(child=Guid(), required=False)
    filter = AnyObject(required=False)
    arguments = AnyObject(default=dict)
    dry_run = YesOrNo(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"ids": ["either ids or filter must be given"]}, code="invalid")
        return attrs


ARGUMENTS: dict[str, type[Request]] = {
    "claim": Nothing,
    "release": Nothing,
    "assign": Assignment,
    "complete": Completion,
    "cancel": Nothing,
}
"""Action of a bulk operation → the shape of its arguments."""


class BulkResult(serializers.Serializer[Any]):
    id = serializers.RegexField("^[0-9a-f]{32}$")
    status = serializers.IntegerField()
    code = serializers.CharField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)


class BulkResults(serializers.Serializer[Any]):
    """`undo` takes the whole change back, where that is possible."""

    undo = serializers.RegexField("^[0-9a-f]{32}$", allow_null=True)
    results = BulkResult(many=True)
