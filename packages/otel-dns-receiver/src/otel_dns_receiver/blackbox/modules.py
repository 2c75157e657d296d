"""``blackbox.yml``: the modules whose prober is ``dns``, with blackbox_exporter's keys and defaults."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import dns.rcode
import dns.rdataclass
import dns.rdatatype
import re2  # type: ignore[import-untyped]
from dns_events import durations
from dns_events.yamlfile import Document
from msgspec import Struct

from otel_dns_receiver.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """A pattern in RE2, in which none takes more than linear time."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


class Patterns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patterns in RE2's syntax, held against each record as Go's DNS library prints it."""

    fail_if_matches_regexp: tuple[str, ...] = ()
    fail_if_all_match_regexp: tuple[str, ...] = ()
    fail_if_not_matches_regexp: tuple[str, ...] = ()
    fail_if_none_matches_regexp: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            for pattern in getattr(self, name):
                try:
                    compiled(pattern)
                except re2.error as error:
                    why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
                    raise ValueError(f"{name}: {pattern!r} is no RE2 pattern: {why}") from error


class TlsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prometheus' ``tls_config``."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = None


class Dns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The DNS prober's keys."""

    query_name: str
    query_type: str = "ANY"
    query_class: str = "IN"
    recursion_desired: bool = True
    transport_protocol: Literal["udp", "tcp"] = "udp"
    dns_over_tls: bool = False
    tls_config: TlsConfig = TlsConfig()
    preferred_ip_protocol: Literal["ip4", "ip6"] = "ip6"
    ip_protocol_fallback: bool = True
    source_ip_address: str | None = None
    valid_rcodes: tuple[str, ...] = ("NOERROR",)
    validate_answer_rrs: Patterns = Patterns()
    validate_authority_rrs: Patterns = Patterns()
    validate_additional_rrs: Patterns = Patterns()

    def __post_init__(self) -> None:
        for text, kind in ((self.query_type, dns.rdatatype), (self.query_class, dns.rdataclass)):
            try:
                kind.from_text(text)
            except (dns.rdatatype.UnknownRdatatype, dns.rdataclass.UnknownRdataclass, ValueError) as error:
                raise ValueError(f"{text!r} is no query type or class") from error
        for rcode in self.valid_rcodes:
            try:
                dns.rcode.from_text(rcode)
            except dns.rcode.UnknownRcode as error:
                raise ValueError(f"{rcode!r} is no rcode; write for instance NXDOMAIN") from error
        if self.dns_over_tls and self.transport_protocol != "tcp":
            raise ValueError("dns_over_tls needs transport_protocol: tcp")
        if self.source_ip_address is not None:
            ipaddress.ip_address(self.source_ip_address)


class Module(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One module. Sections of other probers are not looked into."""

    prober: str
    timeout: str | float = 0.0
    dns: Dns | None = None
    http: Any = None
    tcp: Any = None
    icmp: Any = None
    grpc: Any = None
    unix: Any = None

    def __post_init__(self) -> None:
        durations.seconds(self.timeout)
        if self.prober == "dns" and self.dns is None:
            raise ValueError("a module with `prober: dns` needs `dns: {query_name: ...}`")

    @property
    def seconds(self) -> float:
        """The timeout; 0 is none of its own."""
        return durations.seconds(self.timeout)


class Blackbox(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of ``blackbox.yml``."""

    modules: dict[str, Module]


def load(path: Path) -> Blackbox:
    """Read and check a file.

    Raises:
        ConfigError: names file, line and what is wrong there.
    """
    return Document(path, ConfigError).convert(Blackbox)
