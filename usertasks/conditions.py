"""`show_if`: a field that is asked for only if another field has a certain answer.

    {"field": "approved", "equals": false}      {"field": "days", "in": [1, 2]}
    {"field": "topics", "contains": "other"}    {"field": "comment", "answered": true}

A field whose condition does not hold is hidden: it is not required, and what it may hold is not kept. To the fields
that depend on it in turn, a hidden field is not answered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .fieldtypes import FIELD_TYPES, type_of
from .json_text import canonical
from .validation import Field

MAX_CHAIN = 20
"""So many fields may depend on one another in a row: enough for people, and readers of JSON Schema recurse."""
MAX_VALUES = 1000


@dataclass(frozen=True)
class Test:
    """What a condition asks of the answer of the other field; `operand` is what it is compared with.

    `holds` is never asked where there is no answer: there no such test holds. `schema` is said of the value of the
    other field in JSON Schema.
    """

    holds: Callable[[Any, Any], bool]
    schema: Callable[[Any], dict[str, Any]]
    sentence: Any


TESTS: Mapping[str, Test] = {
    "equals": Test(
        lambda answer, value: canonical(answer) == canonical(value),
        lambda value: {"const": value},
        gettext_lazy("Only if “%(label)s” is %(values)s."),
    ),
    "in": Test(
        lambda answer, values: canonical(answer) in map(canonical, values),
        lambda values: {"enum": values},
        gettext_lazy("Only if “%(label)s” is %(values)s."),
    ),
    "contains": Test(
        lambda answer, value: canonical(value) in map(canonical, answer),
        lambda value: {"type": "array", "contains": {"const": value}},
        gettext_lazy("Only if “%(label)s” includes %(values)s."),
    ),
}
ANSWERED = "answered"


@dataclass(frozen=True)
class Condition:
    """That the field `on` passes `test` with `operand`."""

    on: Field
    test: str
    operand: Any

    def holds(self, answer: Any) -> bool:
        """Whether it holds for this answer of the other field, None where there is none."""
        if self.test == ANSWERED:
            return bool(self.operand) == (answer is not None)
        return answer is not None and TESTS[self.test].holds(answer, self.operand)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the results in which the other field, if it is shown, passes."""
        is_answered = self.test == ANSWERED
        passes = {"not": {"type": "null"}} if is_answered else TESTS[self.test].schema(self.operand)
        return {"properties": {self.on.name: passes}, "required": [self.on.name]}

    @property
    def is_negative(self) -> bool:
        """Whether it holds where the other field has no answer."""
        return self.test == ANSWERED and not self.operand

    def sentence(self) -> str:
        """The condition in words."""
        label = self.on.display_name or self.on.name
        if self.test == ANSWERED:
            words = _("Only if “%(label)s” is answered.") if self.operand else _("Only if “%(label)s” has no answer.")
            return words % {"label": label}
        values = self.operand if self.test == "in" else [self.operand]
        shown = [value if isinstance(value, str) else type_of(self.on).show(value) for value in values]
        return str(TESTS[self.test].sentence % {"label": label, "values": _(" or ").join(shown)})

    def as_json(self) -> str:
        """The condition for the page's own script."""
        return json.dumps({"field": self.on.name, self.test: self.operand})


def conditions_of(fields: Sequence[Field]) -> dict[str, Condition]:
    """The conditions by the name of the field that they hide; one that makes no sense hides nothing."""
    said = {field.name: field.presentation["show_if"] for field in fields if "show_if" in field.presentation}
    known = {field.name: field for field in fields} if said else {}
    return {name: _read(known, show_if) for name, show_if in said.items() if not _flaw(known, name, show_if)}


def _read(known: Mapping[str, Field], show_if: Mapping[str, Any]) -> Condition:
    on = known[show_if["field"]]
    [test] = show_if.keys() - {"field"}
    operand = show_if[test]
    if test in ("equals", "in"):
        values = [type_of(on).read(value) for value in _values(test, operand)]
        operand = values if test == "in" else values[0]
    return Condition(on, test, operand)


def _values(test: str, operand: Any) -> list[Any]:
    return operand if test == "in" else [operand]


def hidden_among(fields: Sequence[Field], answers: Mapping[str, Any]) -> set[str]:
    """The fields that are not asked for, given these answers in their normal form."""
    conditions = conditions_of(fields)
    return {name for name in conditions if not _is_shown(conditions, name, answers)}


def _is_shown(conditions: Mapping[str, Condition], name: str, answers: Mapping[str, Any]) -> bool:
    is_shown = True
    for link in reversed(_chain(conditions, name)):
        deciding = conditions[link].on.name
        is_shown = conditions[link].holds(answers.get(deciding) if is_shown else None)
    return is_shown


def _chain(conditions: Mapping[str, Condition], name: str) -> list[str]:
    """A field, the one that it depends on, and so on, as long as they have conditions; in a circle, once around."""
    chain: list[str] = []
    while name in conditions and name not in chain:
        chain.append(name)
        name = conditions[name].on.name
    return chain


def flaws_of_conditions(fields: Sequence[Field]) -> dict[int, str]:
    """What makes no sense about the conditions of fields, by the position of the field.

    Fields whose type or presentation cannot be read are left out: what is wrong with those is said elsewhere.
    """
    readable = {position: field for position, field in enumerate(fields) if _is_readable(field)}
    known = {field.name: field for field in readable.values()}
    conditions = conditions_of(list(readable.values()))
    flaws = {
        position: _flaw(known, field.name, field.presentation["show_if"]) or _flaw_of_chain(conditions, field.name)
        for position, field in readable.items()
        if "show_if" in field.presentation
    }
    return {position: flaw for position, flaw in flaws.items() if flaw}


def _is_readable(field: Field) -> bool:
    return field.type in FIELD_TYPES and isinstance(field.presentation, dict)


def _flaw_of_chain(conditions: Mapping[str, Condition], name: str) -> str | None:
    chain = _chain(conditions, name)
    if chain and conditions[chain[-1]].on.name in chain:
        return _("'show_if' goes round in a circle")
    return (
        _("'show_if' makes a chain of more than %(number)s fields") % {"number": MAX_CHAIN}
        if len(chain) > MAX_CHAIN
        else None
    )


def _flaw(known: Mapping[str, Field], name: str, show_if: Any) -> str | None:
    names = [*TESTS, ANSWERED]
    if not isinstance(show_if, dict) or len(show_if) != 2 or not show_if.keys() <= {"field", *names}:
        return _("'show_if' must be an object with 'field' and one of: %(names)s") % {"names": ", ".join(names)}
    if not isinstance(show_if.get("field"), str) or show_if["field"] not in known:
        return _("'show_if' must name another field of the definition")
    if show_if["field"] == name:
        return _("'show_if' must name another field, not itself")
    [test] = show_if.keys() - {"field"}
    return _flaw_of_operand(known[show_if["field"]], test, show_if[test])


def _flaw_of_operand(on: Field, test: str, operand: Any) -> str | None:
    kind = type_of(on)
    if test == ANSWERED:
        return None if isinstance(operand, bool) else _("'answered' must be true or false")
    if test not in kind.tests:
        allowed = ", ".join([*kind.tests, ANSWERED])
        return _("'%(test)s' cannot be asked of a field of type %(type)s (there are: %(allowed)s)") % {
            "test": test,
            "type": on.type,
            "allowed": allowed,
        }
    if kind.flaw_of_validation(on.validation):
        return _("'show_if' names a field whose rules make no sense")
    if test == "in" and not (isinstance(operand, list) and 0 < len(operand) <= MAX_VALUES):
        return _("'in' must be a list of 1 to %(number)s values") % {"number": MAX_VALUES}
    if all(_is_possible(on, test, value) for value in _values(test, operand)):
        return None
    return _("'%(test)s' must be what '%(name)s' can be") % {"test": test, "name": on.name}


def _is_possible(on: Field, test: str, value: Any) -> bool:
    if test != "contains":
        return type_of(on).can_be(value, on.validation)
    choices = {rule: bound for rule, bound in on.validation.items() if rule == "choices"}
    return type_of(on).can_be([value], choices)
