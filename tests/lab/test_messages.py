"""The pictures of messages show what the receivers send."""

from __future__ import annotations

from tests.lab import messages

INCIDENT = {
    "id": "0123456789abcdef01234567", "rule": "zone-outage", "class": "availability", "severity": "critical",
    "zone": "example.com", "state": "firing", "since": "2026-11-23T10:00:00Z", "updated": "2026-11-23T10:01:00Z",
    "drill": False, "title": "example.com <b> & co is down", "what": "2 of 2 servers failed",
    "check_first": ["Up?", "Really?"], "owner": "web",
    "where": {"regions": ["eu"], "servers": [], "names": []}, "runbook": "zone-outage",
}  # fmt: skip


def test_a_picture_of_each_kind_has_the_words_and_the_links() -> None:
    shown = {name: text for name, text, _ in messages.pages(INCIDENT)}
    slack, mail = shown["slack-message"], shown["mail-message"]
    assert "<h1>FIRING critical example.com &lt;b&gt; &amp; co is down</h1>" in slack
    assert "<strong>check first:</strong>\n1. Up?\n2. Really?" in slack
    assert '<a href="https://dns.example.com/runbooks/zone-outage">runbook page</a>' in slack
    assert ">take it on</a>" in slack
    assert "[dnstower] FIRING critical example.com &lt;b&gt; &amp; co is down" in mail
    # The part itself is in an attribute, and escaped once more.
    assert "&lt;td&gt;2 of 2 servers failed&lt;/td&gt;" in mail
    assert "To <b>web@example.com</b>" in mail
