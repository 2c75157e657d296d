"""What may stand beside events that a job enriched, worked out without one."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from dns_rules.enrichment import Known, join, learn, minute_of, question_of
from dns_rules.flink.zones import heard, waited
from dns_rules.state import micros

#: What hangs on the judgement, and so on when time passed in the job.
_JUDGED = ("propagation", "dnssec")


def known(listed, inventory):
    """By event, all that is certain beside it: of each zone in the order of its events."""
    zones, found = defaultdict(Known), {}
    for event in listed:
        zones[event.zone] = learn(zones[event.zone], event)
        found[event.id] = certain(_joined(zones[event.zone], event, None, inventory))
    return found


def certain(enrichment):
    """Without what hangs on the judgement, but for what the inventory and the delegation say of DNSSEC."""
    rest = {name: value for name, value in enrichment.items() if name not in _JUDGED}
    return rest | {"dnssec": enrichment["dnssec"] and enrichment["dnssec"] | {"was_secure": None}}


def judged(enrichment, *, spread=True):
    """What hangs on the judgement; without `spread`, what a judgement that has just begun anew knows of it."""
    propagation, dnssec = (enrichment[name] for name in _JUDGED)
    if propagation is not None and not spread:
        propagation |= {"verdicts": {}, "converges": None}
    return msgspec.json.encode([propagation, dnssec and dnssec["was_secure"]])


def courses(listed, inventory, rules, end):
    """By zone and question, what hangs on the judgement, in order: at first, and after each step that changed it."""
    lateness = rules.pace[1]
    found, states, due = defaultdict(list), {}, {}
    questions = defaultdict(dict)
    for event in listed:
        questions[event.zone].setdefault(question_of(event), event)

    def look(zone):
        for question, event in questions[zone].items():
            course = found[zone, question]
            enrichment = _joined(Known(), event, states.get(zone), inventory)
            if not course or judged(course[-1]) != judged(enrichment):
                course.append(enrichment)

    def pass_time(zone, time):
        while zone in due and due[zone] <= time - lateness:
            turn = waited(states[zone], due[zone], inventory, rules)
            states[zone], due[zone] = turn.state, turn.due
            look(zone)

    for zone in questions:
        look(zone)
    for event in listed:
        pass_time(event.zone, micros(event.time))
        turn = heard(states.get(event.zone), event, inventory, rules)
        states[event.zone], due[event.zone] = turn.state, min(due.get(event.zone, turn.due), turn.due)
    for zone in states:
        pass_time(zone, micros(end))
    return found


def _joined(known_, event, state, inventory):
    zone = inventory.zone(event.zone)
    return msgspec.json.decode(join(known_, question_of(event), minute_of(event), zone, state, inventory))
