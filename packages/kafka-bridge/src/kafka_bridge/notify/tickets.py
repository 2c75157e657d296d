"""Tickets: opened once an incident, commented on, and closed with it. Each tracker is a class of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec

from kafka_bridge.authorization import basic

from .http import shown
from .message import headline, in_words
from .notifier import DeliveryError, Notifier, Page, Receipt
from .settings import hide, secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .http import Http
    from .links import Links
    from .settings import GithubSettings, GitlabSettings, JiraSettings, ServiceNowSettings, TicketSettings

#: Of a title; of a text.
_TITLE, _TEXT = 240, 20_000
_LABEL = "dnstower"


class Tickets(Notifier, ABC):
    """One ticket an incident, whoever is called for it. A ticket that somebody closed by hand is only commented on."""

    def __init__(self, name: str, settings: TicketSettings, http: Http, links: Links) -> None:
        self.name = name
        self.per_minute = settings.per_minute
        self.hosts = (urlsplit(settings.url).hostname or "",)
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._http = http
        self._links = links

    def deliver(self, page: Page) -> Receipt:
        """Open the ticket, or say in it what happened; close it with the incident."""
        incident = page.incident
        ticket = None if page.kept is None else str(page.kept["ticket"])
        text = in_words(page.transition, incident, self._links.of(incident))[:_TEXT]
        if page.transition == "resolved":
            if ticket is None:
                return Receipt("no ticket was open")
            self.close(ticket, text)
            return Receipt(f"closed {ticket}", page.kept)
        # One that was opened in a try of which nobody heard the end is not opened again.
        ticket = ticket or self.find(incident["id"])
        if ticket is None:
            ticket = self.open(headline(page.transition, incident)[:_TITLE], text, incident, self._assignee(incident))
            return Receipt(f"opened {ticket}", {"ticket": ticket})
        if page.kept is not None:
            self.comment(ticket, text)
        return Receipt(f"told in {ticket}", {"ticket": ticket})

    def hide(self, text: str) -> str:
        """Without the token."""
        return hide(self._settings, text)

    @abstractmethod
    def find(self, incident: str) -> str | None:
        """The ticket of an incident, by its id."""

    @abstractmethod
    def open(self, title: str, text: str, incident: Mapping[str, Any], assignee: str | None) -> str:
        """Open a ticket; returns what it is known by from then on."""

    @abstractmethod
    def comment(self, ticket: str, text: str) -> None:
        """Say something in a ticket."""

    @abstractmethod
    def close(self, ticket: str, text: str) -> None:
        """Say how it ended, and close it."""

    def _assignee(self, incident: Mapping[str, Any]) -> str | None:
        return self._settings.assign.get(incident["owner"])

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret(self._settings, 'token')}"}

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the tracker answers, as JSON; ``None`` where that is nothing.

        Raises:
            DeliveryError: it refuses, is away, or is something else.
        """
        headers = {"Accept": "application/json", "Content-Type": "application/json", **self._headers()}
        content = b"" if body is None else msgspec.json.encode(body)
        answer = self._http.send(method, f"{self._url}/{path}", content=content, headers=headers)
        answer.taken(shown(self._url))
        try:
            return msgspec.json.decode(answer.body) if answer.body.strip() else None
        except msgspec.DecodeError as error:
            msg = f"{shown(self._url)} answered with something that is no JSON"
            raise DeliveryError(msg) from error

    def _known(self, said: Any, key: str) -> Any:
        """A part of an answer that must be there."""
        if not isinstance(said, dict) or key not in said:
            msg = f"{shown(self._url)} answered without {key}"
            raise DeliveryError(msg)
        return said[key]

    def _name(self, said: Any, key: str) -> str:
        return str(self._known(said, key))

    def _first(self, listed: Any, key: str) -> str | None:
        """Of the first of a list; ``None`` where it is empty."""
        if not isinstance(listed, list):
            msg = f"{shown(self._url)} answered with something that is no list"
            raise DeliveryError(msg)
        return self._name(listed[0], key) if listed else None


class Github(Tickets):
    """Issues (REST API 2022-11-28): labels and assignees are of the repository."""

    _settings: GithubSettings

    def find(self, incident: str) -> str | None:
        """By the id that stands in the text, as far as GitHub's search knows it by now."""
        query = quote(f'"{incident}" repo:{self._settings.repository} in:body is:issue', safe="")
        found = self._known(self._ask("GET", f"search/issues?q={query}&per_page=1"), "items")
        return self._first(found, "number")

    def open(self, title: str, text: str, incident: Mapping[str, Any], assignee: str | None) -> str:
        """An issue with the suite's label, the severity, and the owner."""
        body = {"title": title, "body": f"{_fenced(text)}\n\n{_mark(incident['id'])}", "labels": self._labels(incident)}
        body |= {} if assignee is None else {"assignees": [assignee]}
        return self._name(self._ask("POST", f"repos/{self._settings.repository}/issues", body), "number")

    def comment(self, ticket: str, text: str) -> None:
        """A comment."""
        self._ask("POST", f"repos/{self._settings.repository}/issues/{ticket}/comments", {"body": _fenced(text)})

    def close(self, ticket: str, text: str) -> None:
        """Closed as completed."""
        self.comment(ticket, text)
        body = {"state": "closed", "state_reason": "completed"}
        self._ask("PATCH", f"repos/{self._settings.repository}/issues/{ticket}", body)

    def _headers(self) -> dict[str, str]:
        return {**super()._headers(), "X-GitHub-Api-Version": "2022-11-28", "User-Agent": _LABEL}

    def _labels(self, incident: Mapping[str, Any]) -> list[str]:
        return [_LABEL, str(incident["severity"]), f"owner:{incident['owner']}", *self._settings.labels]


class Gitlab(Tickets):
    """Issues (REST API v4); who is assigned is named by the number of the user."""

    _settings: GitlabSettings

    def find(self, incident: str) -> str | None:
        """By the id that stands in the text."""
        query = f"labels={_LABEL}&in=description&search={quote(incident, safe='')}&per_page=1"
        return self._first(self._ask("GET", f"{self._issues()}?{query}"), "iid")

    def open(self, title: str, text: str, incident: Mapping[str, Any], assignee: str | None) -> str:
        """An issue with the suite's label, the severity, and the owner."""
        labels = [_LABEL, str(incident["severity"]), f"owner::{incident['owner']}", *self._settings.labels]
        body: dict[str, Any] = {
            "title": title,
            "description": f"{_fenced(text)}\n\n{_mark(incident['id'])}",
            "labels": ",".join(labels),
        }
        if assignee is not None:
            body["assignee_ids"] = [int(assignee)]
        return self._name(self._ask("POST", self._issues(), body), "iid")

    def comment(self, ticket: str, text: str) -> None:
        """A note."""
        self._ask("POST", f"{self._issues()}/{ticket}/notes", {"body": _fenced(text)})

    def close(self, ticket: str, text: str) -> None:
        """Closed."""
        self.comment(ticket, text)
        self._ask("PUT", f"{self._issues()}/{ticket}", {"state_event": "close"})

    def _headers(self) -> dict[str, str]:
        return {"PRIVATE-TOKEN": secret(self._settings, "token") or ""}

    def _issues(self) -> str:
        return f"api/v4/projects/{quote(self._settings.project, safe='')}/issues"


class Jira(Tickets):
    """Issues (REST API v2, which Data Center and Cloud have); closed by a transition of the project's workflow."""

    _settings: JiraSettings

    def find(self, incident: str) -> str | None:
        """By a label with the id."""
        query = quote(f'project = "{self._settings.project}" AND labels = "{_LABEL}-{incident}"', safe="")
        # Cloud has given up the older path.
        path = "search/jql" if self._settings.username is not None else "search"
        found = self._ask("GET", f"rest/api/2/{path}?jql={query}&fields=key&maxResults=1")
        return self._first(self._known(found, "issues"), "key")

    def open(self, title: str, text: str, incident: Mapping[str, Any], assignee: str | None) -> str:
        """An issue of the project, with labels for the suite, the incident and the owner."""
        labels = [_LABEL, f"{_LABEL}-{incident['id']}", f"owner-{incident['owner']}", *self._settings.labels]
        fields: dict[str, Any] = {
            "project": {"key": self._settings.project},
            "issuetype": {"name": self._settings.issue_type},
            "summary": title,
            "description": f"{{noformat}}\n{text}\n{{noformat}}",
            "labels": labels,
        }
        if assignee is not None:
            fields["assignee"] = {"id" if self._settings.username is not None else "name": assignee}
        return self._name(self._ask("POST", "rest/api/2/issue", {"fields": fields}), "key")

    def comment(self, ticket: str, text: str) -> None:
        """A comment."""
        body = {"body": f"{{noformat}}\n{text}\n{{noformat}}"}
        self._ask("POST", f"rest/api/2/issue/{quote(ticket, safe='')}/comment", body)

    def close(self, ticket: str, text: str) -> None:
        """The transition that is named, where the ticket has it now."""
        self.comment(ticket, text)
        path = f"rest/api/2/issue/{quote(ticket, safe='')}/transitions"
        listed = self._known(self._ask("GET", path), "transitions")
        ids = {self._name(each, "name").casefold(): self._name(each, "id") for each in listed}
        wanted = ids.get(self._settings.done.casefold())
        if wanted is None:
            names = ", ".join(self._name(each, "name") for each in listed)
            raise DeliveryError(f"{ticket} has no transition {self._settings.done!r} now; there are {names}", "page")
        self._ask("POST", path, {"transition": {"id": wanted}})

    def _headers(self) -> dict[str, str]:
        if self._settings.username is None:
            return super()._headers()
        return {"Authorization": basic(self._settings.username, secret(self._settings, "token") or "")}


class ServiceNow(Tickets):
    """Incidents (Table API); the owner's group is in `assign`."""

    _settings: ServiceNowSettings

    def find(self, incident: str) -> str | None:
        """By `correlation_id`."""
        query = f"sysparm_query=correlation_id={quote(incident, safe='')}&sysparm_fields=sys_id&sysparm_limit=1"
        return self._first(self._known(self._ask("GET", f"api/now/table/incident?{query}"), "result"), "sys_id")

    def open(self, title: str, text: str, incident: Mapping[str, Any], assignee: str | None) -> str:
        """Impact and urgency by the severity."""
        grade = {"critical": "1", "warning": "2"}.get(incident["severity"], "3")
        body = {
            "short_description": title[:160],
            "description": text,
            "correlation_id": incident["id"],
            "correlation_display": _LABEL,
            "impact": grade,
            "urgency": grade,
        }
        body |= {} if assignee is None else {"assignment_group": assignee}
        return self._name(self._known(self._ask("POST", "api/now/table/incident", body), "result"), "sys_id")

    def comment(self, ticket: str, text: str) -> None:
        """A work note."""
        self._ask("PATCH", f"api/now/table/incident/{quote(ticket, safe='')}", {"work_notes": text})

    def close(self, ticket: str, text: str) -> None:
        """Resolved (state 6), which people close."""
        body = {"state": "6", "close_code": self._settings.close_code, "close_notes": text[:4000]}
        self._ask("PATCH", f"api/now/table/incident/{quote(ticket, safe='')}", body)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": basic(self._settings.username, secret(self._settings, "token") or "")}


def _mark(incident: str) -> str:
    """By what a ticket is found again."""
    return f"<!-- dnstower incident {incident} -->"


def _fenced(text: str) -> str:
    """As it is: names of the DNS may hold Markdown, and mentions."""
    return f"````text\n{text.replace('````', '` ` ` `')}\n````"
