"""Each kind of receiver against a real peer, or against a stand-in that knows the published API."""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import hashlib
import hmac
import json
import shutil
import ssl
import subprocess
import time

import httpx2
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from kafka_bridge.notify import settings as of
from kafka_bridge.notify.addresses import Addresses
from kafka_bridge.notify.http import Http
from kafka_bridge.notify.links import Links
from kafka_bridge.notify.notifier import DeliveryError, Page
from kafka_bridge.notify.receivers import ways
from receivers import INCIDENT, Peer, free_port, no_dns, pagerduty, slack

from tests.certificates import Authority

KEY = "a key of links that is long enough"
LINKS = of.LinkSettings(board="https://dns.example.com", key="${LINK_KEY}")


def page(transition="firing", kept=None, **changed):
    team = "web" if transition in {"firing", "graver", "escalated"} else None
    incident = INCIDENT | changed
    return Page(key=f"i1-{transition}", transition=transition, incident=incident, team=team, kept=kept)


def notifier(settings, name="one"):
    notify = of.Notify(console=False, receivers={name: settings}, links=LINKS)
    (made,) = ways(notify, None).notifiers
    return made


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("LINK_KEY", KEY)
    monkeypatch.setenv("TOKEN", "xoxb-s3cret")
    monkeypatch.setenv("ROUTING", "R0UT1NGs3cret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def test_slack_has_one_message_an_incident_and_the_rest_in_its_thread():
    with Peer(slack) as peer:
        made = notifier(of.SlackSettings(token="${TOKEN}", channel="C1", api=f"{peer.url}/api"))
        first = made.deliver(page(drill=True))
        second = made.deliver(page("escalated", first.kept))
        made.deliver(page("resolved", second.kept, state="resolved", resolution="lasted 5 min"))
        digest = made.deliver_digest([page(title=f"zone {n} is down " + "x" * 90) for n in range(50)])
        made.deliver(page("resolved", digest.kept, state="resolved"))
    posts = peer.bodies()
    assert [path.rpartition(".")[2] for path, _, _ in peer.got] == [
        "postMessage", "update", "postMessage", "update", "postMessage", "postMessage", "postMessage",
    ]  # fmt: skip
    assert posts[0]["text"].startswith("DRILL FIRING critical example.com &lt;b&gt;")
    text = json.dumps(posts[0])
    for part in ("2 of 2 servers failed", "regions eu, us", "Are the servers up?", "runbooks/zone-outage",
                 "*owner:* web",
                 "https://dns.example.com/acknowledge?incident="):  # fmt: skip
        assert part in text
    assert "acknowledge?" not in json.dumps(posts[3])
    assert posts[1]["ts"] == posts[2]["thread_ts"] == posts[4]["thread_ts"] == posts[6]["thread_ts"]
    assert "thread_ts" not in posts[5]


def test_slack_that_lost_the_message_gets_a_new_one():
    with Peer(slack) as peer:
        made = notifier(of.SlackSettings(token="${TOKEN}", channel="C1", api=f"{peer.url}/api"))
        peer.answers.append((200, {}, {"ok": False, "error": "message_not_found"}))
        made.deliver(page("resolved", {"channel": "C1", "ts": "1"}, state="resolved"))
        assert "thread_ts" not in peer.bodies()[-1]


def test_an_incoming_webhook_of_slack(monkeypatch):
    with Peer() as peer:
        monkeypatch.setenv("HOOK", f"{peer.url}/services/T0/B0/s3cret")
        made = notifier(of.SlackSettings(url="${HOOK}"))
        assert made.deliver(page()).kept is None
        peer.answers.append((404, {}, {}))
        with pytest.raises(DeliveryError, match="answered 404") as caught:
            made.deliver(page())
    assert (caught.value.cause, "s3cret" in str(caught.value)) == ("refused", False)
    assert peer.got[0][0] == "/services/T0/B0/s3cret"


@pytest.mark.parametrize(
    ("answer", "cause", "wait"),
    [
        ((200, {}, {"ok": False, "error": "invalid_auth"}), "refused", None),
        ((200, {}, {"ok": False, "error": "channel_not_found"}), "refused", None),
        ((200, {}, {"ok": False, "error": "invalid_blocks"}), "page", None),
        ((429, {"Retry-After": "30"}, {"ok": False, "error": "ratelimited"}), "away", 30),
        ((429, {"Retry-After": "99999999"}, {}), "away", 3600),
        ((503, {"Retry-After": "nonsense"}, {}), "away", None),
        ((401, {}, {}), "refused", None),
        ((302, {"Location": "https://elsewhere.example"}, {}), "refused", None),
        ((413, {}, {}), "page", None),
        ((200, {}, []), "away", None),
    ],
)
def test_what_is_not_taken_has_its_cause_and_tells_no_secret(answer, cause, wait):
    with Peer() as peer:
        peer.answers.append(answer)
        made = notifier(of.SlackSettings(token="${TOKEN}", channel="C1", api=f"{peer.url}/api"))
        with pytest.raises(DeliveryError) as caught:
            made.deliver(page())
    assert (caught.value.cause, caught.value.wait) == (cause, wait)
    assert "s3cret" not in str(caught.value)


def test_pagerduty_triggers_acknowledges_and_resolves_one_alert():
    with Peer(pagerduty) as peer:
        made = notifier(of.PagerDutySettings(routing_key="${ROUTING}", url=f"{peer.url}/v2/enqueue"))
        for transition in ("firing", "graver", "acknowledged", "resolved"):
            made.deliver(page(transition, drill=True))
    sent = peer.bodies()
    assert [event["event_action"] for event in sent] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in sent} == {INCIDENT["id"]}
    details = sent[0]["payload"]["custom_details"]
    assert details["check first"] == "1. Are the servers up?\n2. Is the network there?"
    assert sent[0]["payload"]["summary"].startswith("DRILL FIRING")


def test_a_signed_webhook_is_verified_as_standard_webhooks_say(tmp_path):
    binary = b"0123456789abcdef01234567"
    (tmp_path / "key").write_text(f"whsec_{base64.b64encode(binary).decode()}\n")
    with Peer() as peer:
        notifier(of.WebhookSettings(url=peer.url, secret_file=str(tmp_path / "key"))).deliver(page())
    ((_, headers, body),) = peer.got
    headers = {name.lower(): value for name, value in headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(binary, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 30
    assert headers["webhook-id"] == headers["idempotency-key"] == json.loads(body)["key"]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's own
def test_anything_else_goes_through_apprise(monkeypatch):
    with Peer() as peer:
        monkeypatch.setenv("OTHER", f"json://127.0.0.1:{peer.port}/s3cret")
        made = notifier(of.AppriseSettings(url="${OTHER}"))
        assert "s3cret" not in made.deliver(page(drill=True)).answer
        made.deliver_digest([page(), page("resolved")])
        peer.answers.append((500, {}, {}))
        with pytest.raises(DeliveryError, match="did not arrive"):
            made.deliver(page())
    first, second, _ = peer.bodies()
    assert first["title"].startswith("DRILL FIRING critical")
    assert "take it on: https://dns.example.com/acknowledge" in first["message"]
    assert second["title"] == "2 pages of 1 zones waited for this receiver"


class Mailbox:
    def __init__(self):
        self.got = []
        self.answers = []

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.pop(0)
        assert session.ssl is not None
        self.got.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


@pytest.fixture
def smtp(authority):
    """A real SMTP server that wants STARTTLS and a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    mailbox = Mailbox()

    def login(_server, _session, _envelope, _mechanism, data):
        right = (data.login, data.password) == (b"tower", b"s3cret")
        return AuthResult(success=right, handled=False)

    controller = Controller(
        mailbox, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=login, auth_required=True,
    )  # fmt: skip
    controller.start()
    yield controller, mailbox
    controller.stop()


def mail(controller, authority, **changed):
    given = {"host": "127.0.0.1", "port": controller.port, "from_": "Tower <tower@example.net>", "username": "tower",
             "to": ("web@example.com", "lead@example.com"), "password": "${MAIL}", "ca": authority.file}  # fmt: skip
    return notifier(of.EmailSettings(**(given | changed)))


def test_mail_is_one_thread_an_incident_in_text_and_html(smtp, authority, monkeypatch):
    monkeypatch.setenv("MAIL", "s3cret")
    controller, mailbox = smtp
    made = mail(controller, authority)
    first = made.deliver(page(drill=True, title="example.com is down\r\nBcc: everyone@example.org"))
    made.deliver(page("resolved", first.kept, state="resolved", resolution="lasted 5 min"))
    made.deliver_digest([page(), page("resolved")])
    (envelope, opened), (_, closed), (_, digest) = mailbox.got
    assert envelope.rcpt_tos == ["web@example.com", "lead@example.com"]
    assert opened["subject"].startswith("[dnstower] DRILL FIRING critical example.com is down Bcc")
    assert opened["bcc"] is None
    assert closed["in-reply-to"] == closed["references"] == opened["message-id"]
    assert closed["subject"] == f"Re: {opened['subject']}"
    plain, rich = (opened.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for part in (
        "  check first:\n    1. Are the servers up?\n    2. Is",
        "runbook page: https://dns.example.com/runbooks/zone-outage",
    ):
        assert part in plain.replace("\r\n", "\n")
    assert "<td>2 of 2 servers failed</td>" in rich
    assert "<td>1. Are the servers up?<br>2. Is the network there?</td>" in rich
    assert "2 pages of 1 zones" in digest["subject"]


@pytest.mark.parametrize(
    ("answer", "password", "cause"),
    [("451 later", "s3cret", "away"), ("554 no", "s3cret", "page"), (None, "wr0ng", "refused")],
)
def test_mail_that_is_not_taken(smtp, authority, monkeypatch, answer, password, cause):
    monkeypatch.setenv("MAIL", password)
    controller, mailbox = smtp
    mailbox.answers += [answer] if answer else []
    with pytest.raises(DeliveryError) as caught:
        mail(controller, authority).deliver(page())
    assert (caught.value.cause, password in str(caught.value)) == (cause, False), caught.value


def test_mail_goes_to_nobody_whose_certificate_is_not_known(smtp, authority, monkeypatch):
    monkeypatch.setenv("MAIL", "s3cret")
    with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
        mail(smtp[0], authority, ca=None).deliver(page())
    assert smtp[1].got == []


@pytest.fixture
def alertmanager(tmp_path):
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("no Alertmanager (Debian: prometheus-alertmanager)")
    (tmp_path / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    url = f"http://127.0.0.1:{(port := free_port())}"
    process = subprocess.Popen(
        [program, f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'am'}",
         f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                if httpx2.get(f"{url}/-/ready").status_code == 200:
                    break
            except httpx2.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_alertmanager_has_an_alert_a_team_until_it_is_resolved(alertmanager):
    made = notifier(of.AlertmanagerSettings(urls=("http://127.0.0.1:9", alertmanager), every="30s"))

    def alerts():
        return {
            (alert["labels"]["alertname"], alert["labels"].get("team"), alert["labels"]["severity"]): alert
            for alert in httpx2.get(f"{alertmanager}/api/v2/alerts").json()
        }

    first = made.deliver(page(severity="warning", drill=True))
    (alert,) = alerts().values()
    assert alert["labels"] == {
        "alertname": "zone-outage", "zone": "example.com", "class": "availability", "severity": "warning",
        "owner": "web", "team": "web", "region": "eu,us", "drill": "true",
    }  # fmt: skip
    said = alert["annotations"]
    assert said["summary"].startswith("DRILL example.com")
    assert said["check_first"] == "1. Are the servers up?\n2. Is the network there?"
    assert said["runbook_url"] == "https://dns.example.com/runbooks/zone-outage"
    assert said["dashboard_url"] == f"https://dns.example.com/incidents/{INCIDENT['id']}"
    left = dt.datetime.fromisoformat(alert["endsAt"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(seconds=120) < left <= dt.timedelta(seconds=150)

    second = made.deliver(page("graver", first.kept, drill=True, where={"regions": ["eu"], "servers": [], "names": []}))
    third = made.deliver(
        Page(key="k", transition="escalated", incident=INCIDENT | {"drill": True}, team="lead", kept=second.kept)
    )
    assert set(alerts()) == {("zone-outage", "web", "critical"), ("zone-outage", "lead", "critical")}
    assert alerts()["zone-outage", "web", "critical"]["labels"]["region"] == "eu,us"
    before = alerts()["zone-outage", "web", "critical"]["endsAt"]
    time.sleep(1.1)
    made.remind([page(kept=third.kept)])
    assert alerts()["zone-outage", "web", "critical"]["endsAt"] > before
    assert ("DnstowerHeartbeat", None, "none") in alerts()
    made.deliver(page("resolved", third.kept, state="resolved"))
    assert [name for name, _, _ in alerts()] == ["DnstowerHeartbeat"]


def test_a_page_arrives_while_every_resolver_is_dead(pool, authority, monkeypatch):
    with Peer(tls=authority.issue("hooks.example.com")) as peer:
        url = f"https://hooks.example.com:{peer.port}/s3cret"
        with pool.connection() as connection:
            connection.execute("insert into receiver_address values ('hooks.example.com', '{127.0.0.9,127.0.0.1}')")
        notify = of.Notify(
            console=False, receivers={"hook": of.WebhookSettings(url=url, ca=authority.file)}, links=LINKS
        )
        out = ways(notify, pool)
        with no_dns(monkeypatch):
            out.addresses.start()
            time.sleep(0.3)
            out.notifiers[0].deliver(page())
            out.addresses.stop()
            with pytest.raises(DeliveryError, match="cannot be resolved, and no address of it is known"):
                Http(Addresses(())).send("GET", "https://other.example/")
    ((path, headers, _),) = peer.got
    assert (path, peer.names) == ("/s3cret", ["hooks.example.com"])
    assert headers["Host"] == f"hooks.example.com:{peer.port}"


def test_addresses_are_kept_for_the_next_start(pool, monkeypatch):
    Addresses(["localhost"], pool).start().stop()
    until = time.monotonic() + 10
    rows = []
    while not rows and time.monotonic() < until:
        with pool.connection() as connection:
            rows = connection.execute("select host, addresses from receiver_address").fetchall()
    assert "127.0.0.1" in rows[0][1]
    with no_dns(monkeypatch):
        again = Addresses(["localhost"], pool).start()
        assert "127.0.0.1" in again.of("localhost")
        again.stop()


def test_secrets_are_read_when_they_are_needed(tmp_path, monkeypatch):
    settings = of.SlackSettings(token_file=str(tmp_path / "token"), channel="C1")
    with pytest.raises(DeliveryError, match=r"token_file .*token: No such file"):
        of.secret(settings, "token")
    (tmp_path / "token").write_text("one\n")
    assert of.secret(settings, "token") == "one"
    (tmp_path / "token").write_text("two\n")
    assert of.hide(settings, "it is two, or one") == "it is ***, or one"
    monkeypatch.delenv("TOKEN")
    with pytest.raises(DeliveryError, match="the environment has no TOKEN"):
        of.secret(of.SlackSettings(token="${TOKEN}", channel="C1"), "token")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"incident": "other"}, "was altered"),
        ({"expires": "99999999999"}, "was altered"),
        ({"expires": "soon"}, "was altered"),
        ({"signature": "é"}, "was altered"),
        ({}, None),
    ],
)
def test_links_are_signed(changed, why):
    link = Links(LINKS).acknowledge(INCIDENT)
    query = dict(part.split("=") for part in link.partition("?")[2].split("&")) | changed
    said = Links(LINKS).why_not(query["incident"], query["expires"], query["signature"])
    assert said is None if why is None else why in said


def test_links_expire(monkeypatch):
    query = dict(part.split("=") for part in Links(LINKS).acknowledge(INCIDENT).partition("?")[2].split("&"))
    monkeypatch.setattr(time, "time", lambda: int(query["expires"]) + 1)
    assert "expired" in Links(LINKS).why_not(*query.values())
