"""Name servers of others, each on loopback with a zone of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

import dns.exception
import dns.message
import dns.query
import pytest

ZONE = "tower.test"
RECORDS = """\
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
alias CNAME www
"""
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def program(name):
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_port():
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                continue
            return udp.getsockname()[1]


def ask(port, name="www.tower.test", rdtype="A", timeout=2.0, **more):
    query = dns.message.make_query(name, rdtype, want_dnssec=True, **more)
    try:
        return dns.query.udp(query, "127.0.0.1", port=port, timeout=timeout)
    except dns.exception.Timeout:
        return None


class Running:
    """A name server that runs until the test ends."""

    def __init__(self, command, folder, port, name="www.tower.test", answers=True):
        self.port = port
        self.log = folder / "output"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-2000:]
            if not answers or ask(port, name, timeout=0.3) is not None:
                return
        self.stop()
        raise AssertionError(f"{command[0]} does not answer: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def bind(folder, port, socket_path, log, _upstream):
    tap = f'dnstap {{ auth; client; resolver; }}; dnstap-output unix "{socket_path}";' if socket_path else ""
    logging = (
        f'logging {{ channel q {{ file "{log}"; print-time iso8601; print-category yes; print-severity yes; }}; '
        "category queries { q; }; };"
        if log
        else ""
    )
    (folder / "named.conf").write_text(f"""\
options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;
  pid-file none; session-keyfile none; querylog yes; {tap} }};
controls {{ }};
{logging}
zone "{ZONE}" {{ type primary; file "{folder}/zone"; }};
""")
    return [program("named"), "-g" if not log else "-f", "-c", str(folder / "named.conf")]


def knot(folder, port, socket_path, _log, _upstream):
    (folder / "knot.conf").write_text(f"""\
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "{folder}/db"
mod-dnstap:
  - id: tap
    sink: "unix:{socket_path}"
    log-queries: on
    log-responses: on
template:
  - id: default
    storage: "{folder}"
    global-module: mod-dnstap/tap
zone:
  - domain: {ZONE}
    file: zone
""")
    return [program("knotd"), "-c", str(folder / "knot.conf")]


def unbound(folder, port, socket_path, log, _upstream):
    tap = (
        f'dnstap:\n    dnstap-enable: yes\n    dnstap-socket-path: "{socket_path}"\n    dnstap-send-identity: yes\n'
        "    dnstap-log-client-query-messages: yes\n    dnstap-log-client-response-messages: yes\n"
        if socket_path
        else ""
    )
    (folder / "unbound.conf").write_text(f"""\
server:
    interface: 127.0.0.1@{port}
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    log-time-ascii: yes
    logfile: "{log or ""}"
    log-queries: {"yes" if log else "no"}
    log-replies: {"yes" if log else "no"}
    module-config: "iterator"
    local-zone: "{ZONE}." static
    local-data: "www.{ZONE}. 60 IN A 192.0.2.1"
remote-control:
    control-enable: no
{tap}""")
    return [program("unbound"), "-d", "-c", str(folder / "unbound.conf")]


def dnsdist(folder, port, socket_path, _log, upstream):
    (folder / "dnsdist.conf").write_text(f"""\
setLocal("127.0.0.1:{port}")
newServer({{address="127.0.0.1:{upstream}"}})
getServer(0):setUp()
tap = newFrameStreamUnixLogger("{socket_path}", {{flushTimeout=1}})
addAction(AllRule(), DnstapLogAction("dnsdist", tap))
addResponseAction(AllRule(), DnstapLogResponseAction("dnsdist", tap))
""")
    return [program("dnsdist"), "--supervised", "--disable-syslog", "-C", str(folder / "dnsdist.conf")]


def dnsmasq(folder, port, _socket_path, log, _upstream):
    return [
        program("dnsmasq"), "--no-daemon", "--conf-file=/dev/null", f"--port={port}", "--listen-address=127.0.0.1",
        "--bind-interfaces", "--no-resolv", "--no-hosts", "--log-queries=extra", f"--log-facility={log}",
        f"--address=/www.{ZONE}/192.0.2.1", f"--local=/{ZONE}/", "--user=root", f"--pid-file={folder}/pid",
    ]  # fmt: skip


WRITERS = {"bind": bind, "knot": knot, "unbound": unbound, "dnsdist": dnsdist, "dnsmasq": dnsmasq}
