"""The verdicts of the rules in words, for whoever is shown or refused something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from usertasks.models import Status, UserTaskRun
from usertasks.rules import ALREADY_DONE, RULES, Action, Verdict

NAMES: Mapping[Action, Any] = {
    Action.VIEW: gettext_lazy("See it"),
    Action.COMMENT: gettext_lazy("Comment on it"),
    Action.CLAIM: gettext_lazy("Take it"),
    Action.RELEASE: gettext_lazy("Give it back"),
    Action.SAVE_PROGRESS: gettext_lazy("Save answers"),
    Action.COMPLETE: gettext_lazy("Finish it"),
    Action.ASSIGN: gettext_lazy("Move it"),
    Action.CANCEL: gettext_lazy("Cancel it"),
}
"""What the actions are called where they are no buttons."""

PERMISSION = "permission:"
RIGHTS: Mapping[str, Any] = {
    "view_usertaskrun": gettext_lazy("see all tasks"),
    "override_claim": gettext_lazy("do what others have"),
    "assign_usertaskrun": gettext_lazy("move all tasks"),
    "cancel_usertaskrun": gettext_lazy("cancel all tasks"),
}
"""What the permissions of the rules are called."""


def as_sentence(words: str) -> str:
    """What the domain says in the middle of a sentence, as one of its own."""
    begun = f"{words[:1].upper()}{words[1:]}"
    return begun if words.endswith((".", "!", "?", "。")) else _("%(sentence)s.") % {"sentence": begun}


def reason_in_words(action: Action, verdict: Verdict, run: UserTaskRun) -> str:
    """Why somebody may, or may not; without their name, so that it holds for me and for others."""
    return _why(verdict.reason, run) if verdict.allowed else _why_not(action, verdict.reason, run)


def _why(reason: str, run: UserTaskRun) -> str:
    match reason:
        case "owner":
            return _("as its owner")
        case "substitute":
            return _("as the substitute of %s") % run.user_id
        case "group_member":
            return _("as a member of %s") % run.user_group
        case "group_lead":
            return _("as a lead of %s") % run.user_group
        case _ if reason == ALREADY_DONE:
            return _("it is so already, nothing would change")
        case _:
            return _("with the right to %s") % _right(reason)


def _why_not(action: Action, reason: str, run: UserTaskRun) -> str:
    match reason:
        case "not_visible":
            return _("this task is not shown to them")
        case "already_claimed":
            return _("%s has it") % run.user_id
        case "wrong_state":
            return _states()[Status(run.status)]
        case "no_group":
            return _("it belongs to no group")
        case "excluded":
            return _("excluded: somebody else has to do it, so that four eyes see it")
        case "not_allowed":
            return _("only for %s") % _listed(_whom(action, run))
        case _:
            return reason


def _right(reason: str) -> str:
    return str(RIGHTS[reason.removeprefix(PERMISSION)])


def _states() -> Mapping[Status, str]:
    return {
        Status.UNASSIGNED: _("nobody has it"),
        Status.ASSIGNED: _("somebody has it"),
        Status.DONE: _("it is done"),
        Status.CANCELLED: _("it is cancelled"),
    }


def _whom(action: Action, run: UserTaskRun) -> list[str]:
    """For whom the action is, as far as there can be somebody of the kind."""
    whom = {
        "owner": _("its owner, %s") % run.user_id if run.user_id else "",
        "substitute": _("whoever stands in for %s") % run.user_id if run.user_id else "",
        "group_member": _("members of %s") % run.user_group if run.user_group else "",
        "group_lead": _("leads of %s") % run.user_group if run.user_group else "",
    }
    named = (
        _("whoever has the right to %s") % _right(grant.reason)
        if grant.reason.startswith(PERMISSION)
        else whom[grant.reason]
        for grant in RULES[action].who
        if not (grant.reason == "group_member" and action is not Action.CLAIM and run.status != Status.UNASSIGNED)
    )
    return [words for words in named if words]


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return _("%(names)s, or %(last)s") % {"names": ", ".join(names[:-1]), "last": names[-1]}
