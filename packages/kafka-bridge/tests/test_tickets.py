"""Tickets in stand-ins of the trackers, made from their published REST APIs."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from kafka_bridge.notify import settings as of
from kafka_bridge.notify.notifier import DeliveryError, Page
from kafka_bridge.notify.receivers import ways
from receivers import INCIDENT, Peer


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("TOKEN", "t0k3n-s3cret")


def page(transition="firing", kept=None, **changed):
    return Page(key=f"i1-{transition}", transition=transition, incident=INCIDENT | changed, team="web", kept=kept)


class Tracker:
    """What any of them remembers: tickets with what was said in them."""

    def __init__(self):
        self.tickets = {}

    def new(self, **fields):
        number = str(len(self.tickets) + 7)
        self.tickets[number] = {"said": [], "open": True, **fields}
        return number


class GithubPeer(Tracker):
    """docs.github.com/rest/issues, version 2022-11-28."""

    settings = of.GithubSettings(repository="acme/dns", token="${TOKEN}", assign={"web": "alice"}, labels=("dns",))

    def __call__(self, path, headers, body):
        if headers["authorization"] != "Bearer t0k3n-s3cret" or not headers["user-agent"]:
            return 401, {}, {"message": "Bad credentials"}
        parts = urlsplit(path)
        if parts.path == "/search/issues":
            (query,) = parse_qs(parts.query)["q"]
            wanted, rest = query[1:].split('" ')
            assert rest == "repo:acme/dns in:body is:issue"
            return 200, {}, {"items": [{"number": int(n)} for n, t in self.tickets.items() if wanted in t["body"]]}
        assert parts.path.startswith("/repos/acme/dns/issues")
        rest = parts.path.removeprefix("/repos/acme/dns/issues").strip("/").split("/")
        said = json.loads(body)
        if rest == [""]:
            assert set(said) == {"title", "body", "labels", "assignees"}
            assert said["labels"] == ["dnstower", "critical", "owner:web", "dns"]
            return 201, {}, {"number": int(self.new(title=said["title"], body=said["body"], to=said["assignees"]))}
        if rest[1:] == ["comments"]:
            self.tickets[rest[0]]["said"].append(said["body"])
            return 201, {}, {"id": 1}
        assert said == {"state": "closed", "state_reason": "completed"}
        self.tickets[rest[0]]["open"] = False
        return 200, {}, {"number": int(rest[0])}


class GitlabPeer(Tracker):
    """docs.gitlab.com/api/issues, notes."""

    settings = of.GitlabSettings(project="acme/dns", token="${TOKEN}", assign={"web": "42"}, labels=("dns",))

    def __call__(self, path, headers, body):
        if headers["private-token"] != "t0k3n-s3cret":
            return 401, {}, {"message": "401 Unauthorized"}
        parts = urlsplit(path)
        assert parts.path.startswith("/api/v4/projects/acme%2Fdns/issues")
        rest = parts.path.removeprefix("/api/v4/projects/acme%2Fdns/issues").strip("/").split("/")
        said = json.loads(body) if body else None
        if said is None:
            query = parse_qs(parts.query)
            assert query["in"] == ["description"]
            mine = [n for n, t in self.tickets.items() if query["search"][0] in t["body"]]
            return 200, {}, [{"iid": int(number)} for number in mine]
        if rest == [""]:
            assert said["assignee_ids"] == [42]
            assert said["labels"] == "dnstower,critical,owner::web,dns"
            return 201, {}, {"iid": int(self.new(title=said["title"], body=said["description"], to=[42]))}
        if rest[1:] == ["notes"]:
            self.tickets[rest[0]]["said"].append(said["body"])
            return 201, {}, {"id": 1}
        assert said == {"state_event": "close"}
        self.tickets[rest[0]]["open"] = False
        return 200, {}, {"iid": int(rest[0])}


class JiraPeer(Tracker):
    """developer.atlassian.com, Jira Cloud platform REST API v2; the keys are NET-7 and so on."""

    settings = of.JiraSettings(
        project="NET", url="http://jira", username="bot@acme", token="${TOKEN}", assign={"web": "5b10"}, labels=("dns",)
    )

    def __call__(self, path, headers, body):
        if headers["authorization"] != f"Basic {base64.b64encode(b'bot@acme:t0k3n-s3cret').decode()}":
            return 401, {}, {}
        parts = urlsplit(path)
        rest = parts.path.removeprefix("/rest/api/2/").split("/")
        said = json.loads(body) if body else None
        if rest == ["search", "jql"]:
            (query,) = parse_qs(parts.query)["jql"]
            label = query.rpartition('labels = "')[2].rstrip('"')
            assert query.startswith('project = "NET" AND ')
            return 200, {}, {"issues": [{"key": f"NET-{n}"} for n, t in self.tickets.items() if label in t["labels"]]}
        if rest == ["issue"]:
            fields = said["fields"]
            assert (fields["project"], fields["issuetype"]) == ({"key": "NET"}, {"name": "Task"})
            assert fields["assignee"] == {"id": "5b10"}
            assert len(fields["summary"]) <= 255
            assert not any(" " in label for label in fields["labels"])
            number = self.new(title=fields["summary"], body=fields["description"], to=["5b10"], labels=fields["labels"])
            return 201, {}, {"key": f"NET-{number}"}
        ticket = self.tickets[rest[1].removeprefix("NET-")]
        if rest[2] == "comment":
            ticket["said"].append(said["body"])
            return 201, {}, {"id": "1"}
        if said is None:
            return 200, {}, {"transitions": [{"id": "11", "name": "In Progress"}, {"id": "31", "name": "Done"}]}
        assert said == {"transition": {"id": "31"}}
        ticket["open"] = False
        return 204, {}, None


class ServiceNowPeer(Tracker):
    """developer.servicenow.com, Table API of `incident`."""

    settings = of.ServiceNowSettings(
        url="http://now", username="bot", token="${TOKEN}", assign={"web": "Web group"}, labels=("dns",)
    )

    def __call__(self, path, headers, body):
        if headers["authorization"] != f"Basic {base64.b64encode(b'bot:t0k3n-s3cret').decode()}":
            return 401, {}, {"error": {"message": "User Not Authenticated"}}
        parts = urlsplit(path)
        rest = parts.path.removeprefix("/api/now/table/incident").strip("/")
        said = json.loads(body) if body else None
        if said is None:
            (query,) = parse_qs(parts.query)["sysparm_query"]
            wanted = unquote(query).removeprefix("correlation_id=")
            return 200, {}, {"result": [{"sys_id": n} for n, t in self.tickets.items() if t["id"] == wanted]}
        if not rest:
            assert len(said["short_description"]) <= 160
            assert (said["impact"], said["urgency"], said["assignment_group"]) == ("1", "1", "Web group")
            number = self.new(
                title=said["short_description"], body=said["description"], to=["Web group"], id=said["correlation_id"]
            )
            return 201, {}, {"result": {"sys_id": number}}
        if "work_notes" in said:
            self.tickets[rest]["said"].append(said["work_notes"])
        else:
            assert said["state"] == "6"
            self.tickets[rest]["said"].append(said["close_notes"])
            self.tickets[rest]["open"] = False
        return 200, {}, {"result": {"sys_id": rest}}


KINDS = pytest.mark.parametrize(
    "kind", [GithubPeer, GitlabPeer, JiraPeer, ServiceNowPeer], ids=["github", "gitlab", "jira", "servicenow"]
)


def made(kind, peer, **changed):
    settings = of.structs.replace(kind.settings, url=peer.url, **changed)
    (notifier,) = ways(of.Notify(console=False, receivers={"tickets": settings}), None).notifiers
    return notifier


@KINDS
def test_a_ticket_is_opened_once_commented_on_and_closed(kind):
    tracker = kind()
    with Peer(tracker) as peer:
        notifier = made(kind, peer)
        first = notifier.deliver(page(drill=True))
        second = notifier.deliver(page("escalated", first.kept))
        third = notifier.deliver(page("acknowledged", second.kept, acknowledged={"by": "bob", "note": "on it"}))
        notifier.deliver(page("resolved", third.kept, state="resolved", resolution="lasted 5 min"))
    (ticket,) = tracker.tickets.values()
    assert ticket["title"].startswith("DRILL FIRING critical example.com <b> & co is down")
    for part in ("2 of 2 servers failed", "regions eu, us", "Are the servers up?", "owner: web"):
        assert part in ticket["body"]
    assert ticket["to"]
    assert (len(ticket["said"]), ticket["open"]) == (3, False)
    assert "bob (on it)" in ticket["said"][1]
    assert "lasted 5 min" in ticket["said"][2]


@KINDS
def test_what_was_opened_in_a_try_that_failed_is_not_opened_again(kind):
    tracker = kind()
    with Peer(tracker) as peer:
        notifier = made(kind, peer)
        notifier.deliver(page())
        again = notifier.deliver(page())  # nobody noted that the first one arrived
        other = notifier.deliver(page(id="fedcba987654321001234567"))
    assert len(tracker.tickets) == 2
    assert again.kept != other.kept


@KINDS
def test_a_refusal_is_told_without_the_token(kind, monkeypatch):
    monkeypatch.setenv("TOKEN", "another-s3cret")
    with Peer(kind()) as peer, pytest.raises(DeliveryError, match="answered 401") as caught:
        made(kind, peer).deliver(page())
    assert (caught.value.cause, "s3cret" in str(caught.value)) == ("refused", False)


@KINDS
def test_what_was_never_opened_is_not_closed(kind):
    with Peer(kind()) as peer:
        assert made(kind, peer).deliver(page("resolved", state="resolved")).answer == "no ticket was open"
        assert peer.got == []


@KINDS
@pytest.mark.parametrize("said", ["text", None, {"issues": [{}], "result": [{}], "items": [{}]}, [{}]])
def test_an_answer_that_is_something_else_is_an_error(kind, said):
    with Peer(lambda *_: (200, {}, said)) as peer, pytest.raises(DeliveryError):
        made(kind, peer).deliver(page())


def test_a_workflow_without_the_transition_is_told():
    with Peer(JiraPeer()) as peer:
        notifier = made(JiraPeer, peer, done="Close it")
        first = notifier.deliver(page())
        with pytest.raises(DeliveryError, match="no transition 'Close it' now; there are In Progress, Done") as caught:
            notifier.deliver(page("resolved", first.kept, state="resolved"))
    assert caught.value.cause == "page"


def test_names_of_the_dns_are_no_markdown():
    tracker = GithubPeer()
    with Peer(tracker) as peer:
        made(GithubPeer, peer).deliver(page(what="@everyone ```` <img src=x>"))
    (ticket,) = tracker.tickets.values()
    assert ticket["body"].startswith("````text\n")
    assert ticket["body"].count("````") == 2
