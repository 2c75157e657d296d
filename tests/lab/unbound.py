"""Unbound: a region's validating resolver, with caches that forget at the pace of the lab."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING

from .process import Server, Spawner, run
from .programs import path_of

if TYPE_CHECKING:
    from pathlib import Path


class Unbound(Server):
    """One unbound on one address."""

    def __init__(
        self, name: str, home: Path, spawner: Spawner, *, address: str, root_hints: Path, trust_anchor: Path
    ) -> None:
        super().__init__(name, home, spawner)
        self._config = home / "unbound.conf"
        self._config.write_text(f"""\
server:
    interface: {address}
    port: 53
    outgoing-interface: {address}
    do-ip6: no
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    num-threads: 1
    username: ""
    chroot: ""
    directory: "{home}"
    pidfile: ""
    use-syslog: no
    logfile: ""
    val-log-level: 2
    nsid: "ascii_{name}"
    root-hints: "{root_hints}"
    trust-anchor-file: "{trust_anchor}"
    trust-anchor-signaling: no
    module-config: "validator iterator"
    harden-dnssec-stripped: yes
    ede: yes
    serve-expired: no
    prefetch: no
    # What was mended is tried again soon.
    val-bogus-ttl: 10
    infra-host-ttl: 15
    infra-keep-probing: yes
    # Loopback is quick: a silent server among others costs a client half a second, silence of all of them
    # becomes SERVFAIL in under three.
    unknown-server-time-limit: 100
    infra-cache-max-rtt: 500
    {_keep_late_replies()}
    cache-max-negative-ttl: 15
    msg-cache-size: 1m
    rrset-cache-size: 1m
    # A key that failed is remembered for 60 s, which no option changes; this cache keeps one entry, so that
    # the next zone's key puts it out.
    key-cache-size: 0
    key-cache-slabs: 1
    neg-cache-size: 128k
    infra-cache-numhosts: 1000
    outgoing-range: 256
    num-queries-per-thread: 128
remote-control:
    control-enable: yes
    control-interface: "{home}/unbound.sock"
    control-use-cert: no
""")

    def command(self) -> list[str]:
        return [path_of("unbound"), "-d", "-c", str(self._config)]

    def pin(self, zone: str, address: str) -> None:
        """Ask this server for the zone from now on, whatever the delegation says. The cache stays."""
        self._control("stub_add", zone, address)

    def unpin(self, zone: str) -> None:
        """Follow the delegation again. The cache stays."""
        self._control("stub_remove", zone)

    def _control(self, *words: str) -> None:
        run([path_of("unbound-control"), "-c", str(self._config), *words])


@cache
def _keep_late_replies() -> str:
    """The option, where this Unbound has it (1.20, and what distributions patched against DNSBomb).

    Such an Unbound drops replies that took it over 1.9 s, so that a client never hears the SERVFAIL.
    """
    ask = [path_of("unbound-checkconf"), "-o", "discard-timeout", "/dev/null"]
    known = subprocess.run(ask, capture_output=True, check=False).returncode == 0
    return "discard-timeout: 0" if known else ""
