"""The difference between a Grafana's alerting and what is to be in it. What others made is never touched.

Ours are rules and contact points by their uid, mute timings by their name, and in the policy tree, which is one
document, the branch whose only matcher is our label. All of it is written with the provenance of the API, so that
nobody changes it by hand; the tree keeps the provenance that it has. See "Alerting provisioning HTTP API" in Grafana's
documentation.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from dns_events import durations

from dns_rules.errors import RulesError

from .alerting import FOLDER, LABEL, OURS, PREFIX, Alerting, Routing
from .files import PANEL
from .steps import Planned, Step, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .alerting import Integration, Rule, Timing
    from .grafana import Grafana

#: What Grafana says in place of a secret.
_HIDDEN = "[REDACTED]"
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WAITS = ("group_wait", "group_interval", "repeat_interval")


class Alerts:
    """Alerting in a Grafana.

    Args:
        grafana: is asked.
        secrets: whether secrets are sent again, which cannot be compared.
    """

    def __init__(self, grafana: Grafana, *, secrets: bool = False) -> None:
        self._said = grafana.said
        self._api: Any = grafana.api.alertingprovisioning
        self._again = secrets

    def plan(self, wanted: Alerting) -> list[Planned]:
        """What is to be done so that it is so: first what others refer to, and last what nobody does any more."""
        late: list[Planned] = []
        early: list[Planned] = []
        if wanted.rules is not None:
            early += self._rules(wanted.rules, late)
        if wanted.routing is not None:
            early += self._timings(wanted.routing.timings, late)
            early += self._points(wanted.routing, late)
            early += self._policy(wanted.routing.branch)
        return early + late

    def plan_destroy(self) -> list[Planned]:
        """What is to be done so that nothing of ours is left."""
        late: list[Planned] = []
        nothing = Routing(points=(), timings=(), branch={})
        early = list(self._policy(None))
        early += self._rules((), late)
        early += self._points(nothing, late)
        early += self._timings((), late)
        return early + late

    def _rules(self, wanted: tuple[Rule, ...], late: list[Planned]) -> Iterator[Planned]:
        present = {rule["uid"]: rule for rule in self._said(self._api.get_alertrules_all)}
        for rule in wanted:
            body, found = _rule(rule), present.pop(rule.uid, None)
            if found is None:
                step = Step(do="create", kind="rule", uid=rule.uid, title=rule.title, why=f"in {rule.group}")
                yield Planned(step, partial(self._api.create_alertrule, body))
            elif not _is_ours(found):
                yield refused("rule", rule.uid, rule.title, "there is another rule of this uid")
            elif other := [key for key in body if not _within(body[key], found.get(key))]:
                step = Step(do="update", kind="rule", uid=rule.uid, title=rule.title, why=", ".join(other))
                yield Planned(step, partial(self._api.update_alertrule, rule.uid, body))
        for uid, found in present.items():
            if uid.startswith(PREFIX) and _is_ours(found):
                step = Step(do="delete", kind="rule", uid=uid, title=str(found["title"]))
                late.append(Planned(step, partial(self._api.delete_alertrule, uid)))

    def _timings(self, wanted: tuple[Timing, ...], late: list[Planned]) -> Iterator[Planned]:
        present = {timing["name"]: timing for timing in self._said(self._api.get_mute_timings)}
        for timing in wanted:
            body = {"name": timing.name, "time_intervals": list(timing.intervals)}
            found = present.pop(timing.name, None)
            if found is None:
                step = Step(do="create", kind="mute-timing", uid=timing.name, title=timing.name)
                yield Planned(step, partial(self._api.create_mute_timing, body))
            elif found.get("provenance") != "api":
                yield refused("mute-timing", timing.name, timing.name, "somebody else made one of this name")
            elif _times(found["time_intervals"]) != _times(timing.intervals):
                step = Step(do="update", kind="mute-timing", uid=timing.name, title=timing.name)
                yield Planned(step, partial(self._api.update_mute_timing, timing.name, body))
        for name, found in present.items():
            if name.startswith(PREFIX) and found.get("provenance") == "api":
                step = Step(do="delete", kind="mute-timing", uid=name, title=name)
                late.append(Planned(step, partial(self._api.delete_mute_timing, name)))

    def _points(self, wanted: Routing, late: list[Planned]) -> Iterator[Planned]:
        present = {each["uid"]: each for each in self._said(self._api.get_contactpoints)}
        for point in wanted.points:
            for each in point.integrations:
                body = {"uid": each.uid, "name": point.name, "type": each.type, "disableResolveMessage": False,
                        "settings": each.settings | _secrets(each)}  # fmt: skip
                found = present.pop(each.uid, None)
                if found is None:
                    step = Step(do="create", kind="contact-point", uid=each.uid, title=point.name, why=each.type)
                    yield Planned(step, partial(self._api.create_contactpoint, body))
                elif found.get("provenance") != "api":
                    yield refused("contact-point", each.uid, point.name, "there is another one of this uid")
                elif other := self._changed(body, found, each):
                    step = Step(do="update", kind="contact-point", uid=each.uid, title=point.name, why=", ".join(other))
                    yield Planned(step, partial(self._api.update_contactpoint, each.uid, body))
        for uid, found in present.items():
            if uid.startswith(PREFIX) and found.get("provenance") == "api":
                step = Step(do="delete", kind="contact-point", uid=uid, title=str(found["name"]))
                late.append(Planned(step, partial(self._api.delete_contactpoint, uid)))

    def _changed(self, body: dict[str, Any], found: dict[str, Any], each: Integration) -> list[str]:
        """Names of what differs; no values, which may be secret."""
        other = [key for key in ("name", "type", "disableResolveMessage") if body[key] != found.get(key)]
        for key, value in body["settings"].items():
            has = found["settings"].get(key)
            if has != value and (has != _HIDDEN or key not in each.secrets or self._again):
                other.append(key)
        return other

    def _policy(self, branch: dict[str, Any] | None) -> Iterator[Planned]:
        tree = self._said(self._api.get_notification_policy_tree)
        ours = [route for route in tree.get("routes") or () if _is_branch(route)]
        if [_canonical(route) for route in ours] == ([] if branch is None else [_canonical(branch)]):
            return
        title = "our branch of the notification policies"
        if tree.get("provenance") == "file":
            yield refused("policy", PREFIX + "policy", title, "the tree is from a file; put the branch into that")
            return
        do: Any = "delete" if branch is None else "update" if ours else "create"
        others = len(tree.get("routes") or ()) - len(ours)
        step = Step(do=do, kind="policy", uid=PREFIX + "policy", title=title, why=f"{others} others stay")
        yield Planned(step, partial(self._put, branch))

    def _put(self, branch: dict[str, Any] | None) -> None:
        """Read it again, so that what others change meanwhile is kept, and write all but our branch as it was read."""
        tree = self._api.get_notification_policy_tree()
        provenance = tree.pop("provenance", "")
        routes = list(tree.get("routes") or ())
        place = next((number for number, route in enumerate(routes) if _is_branch(route)), 0)
        kept = [route for route in routes if not _is_branch(route)]
        if branch is not None:
            kept.insert(place, branch)
        self._api.set_notification_policy_tree({**tree, "routes": kept}, disable_provenance=provenance != "api")


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "uid": rule.uid, "orgID": 1, "title": rule.title, "ruleGroup": rule.group, "folderUID": FOLDER[0],
        "condition": rule.condition, "data": list(rule.data), "noDataState": rule.no_data, "execErrState": "Error",
        "for": rule.pause, "labels": rule.labels,
        "annotations": rule.annotations | {"__dashboardUid__": rule.dashboard, "__panelId__": str(PANEL)},
    }  # fmt: skip


def _is_ours(rule: dict[str, Any]) -> bool:
    return bool((rule.get("labels") or {}).get(LABEL[0]) == LABEL[1])


def _is_branch(route: dict[str, Any]) -> bool:
    return [list(matcher) for matcher in route.get("object_matchers") or ()] == OURS


def _within(wanted: Any, found: Any) -> bool:
    """Whether what is wanted is there; Grafana may add to a query, and says durations in its own way."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_within(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list | tuple):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_within, wanted, found))
    return bool(wanted == found) or (isinstance(wanted, str) and wanted != "" and _seconds(wanted) == _seconds(found))


def _seconds(text: object) -> object:
    """A duration as a number; other texts as they are."""
    try:
        return durations.seconds(str(text))
    except ValueError:
        return text


def _canonical(route: dict[str, Any]) -> dict[str, Any]:
    """A policy without what may be left out."""
    found = {key: value for key, value in route.items() if value not in (None, "", [], False) and key != "provenance"}
    found["object_matchers"] = [list(matcher) for matcher in route.get("object_matchers") or ()]
    found |= {key: _seconds(found[key]) for key in _WAITS if key in found}
    found["routes"] = [_canonical(each) for each in route.get("routes") or ()]
    return found


def _times(intervals: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Intervals without what may be left out; months as numbers."""
    found = []
    for interval in intervals:
        kept = {key: value for key, value in interval.items() if value}
        if "months" in kept:
            kept["months"] = [
                str(_MONTHS.index(month) + 1) if month in _MONTHS else month for month in map(str, kept["months"])
            ]
        found.append(kept)
    return found


def _secrets(integration: Integration) -> dict[str, str]:
    found = {}
    for setting, variable in integration.secrets.items():
        value = os.environ.get(variable, "").strip()
        if not value:
            msg = f"no {variable} in the environment; it is the {setting} of a contact point of type {integration.type}"
            raise RulesError(msg)
        found[setting] = value
    return found
