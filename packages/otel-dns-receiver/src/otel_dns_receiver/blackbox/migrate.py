"""``blackbox.yml`` as a configuration of our own prober. Nothing is dropped in silence."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from dns_events import DnsEventsError, normalize, parent
from dns_events.yamlfile import Document

from otel_dns_receiver.errors import ConfigError

from .modules import Module, load
from .probe import split

if TYPE_CHECKING:
    from pathlib import Path


class _StaticConfig(msgspec.Struct):
    targets: tuple[str, ...] = ()


class _Scrape(msgspec.Struct):
    job_name: str = ""
    params: dict[str, tuple[str, ...]] = {}
    static_configs: tuple[_StaticConfig, ...] = ()


class _Prometheus(msgspec.Struct):
    """The part of ``prometheus.yml`` that says which targets a module probes."""

    scrape_configs: tuple[_Scrape, ...] = ()


def migrate(blackbox_yml: Path, scrape: Path | None = None) -> str:
    """The text of a ``receiver.yaml``.

    Args:
        blackbox_yml: the modules.
        scrape: ``prometheus.yml``, whose targets become the servers that are asked.

    Raises:
        ConfigError: a file cannot be read or understood.
    """
    blackbox = load(blackbox_yml)
    targets = _targets(scrape) if scrape is not None else {}
    notes = [f"# made from {blackbox_yml.name}; read the notes, then: otel-dns-receiver check receiver.yaml"]
    zones: dict[str, dict[str, dict[str, Any]]] = {}
    resolvers: dict[tuple[str, int, str], dict[str, Any]] = {}
    for name, module in blackbox.modules.items():
        _module(name, module, targets.get(name, ()), zones, resolvers, notes)
    config: dict[str, Any] = {"version": 1, "probe": {"id": "probe-1", "region": "change-me"}}
    config["interval"] = "30s"
    longest = max((m.seconds for m in blackbox.modules.values() if m.prober == "dns"), default=0.0)
    config["timeout"] = f"{min(longest or 5.0, 25.0):g}s"
    if resolvers:
        config["resolvers"] = list(resolvers.values())
    else:
        notes.append("# no target: the system's resolvers are asked; name others under `resolvers:`")
    config["zones"] = [
        {"zone": zone, "names": [{"name": name, **keys} for name, keys in names.items()]}
        for zone, names in zones.items()
    ]
    return "\n".join(notes) + "\n" + yaml.safe_dump(config, sort_keys=False)


def _module(
    name: str,
    module: Module,
    targets: tuple[str, ...],
    zones: dict[str, dict[str, dict[str, Any]]],
    resolvers: dict[tuple[str, int, str], dict[str, Any]],
    notes: list[str],
) -> None:
    if module.prober != "dns" or module.dns is None:
        notes.append(f"# {name}: prober {module.prober} has no counterpart here; leave it with blackbox_exporter")
        return
    keys = module.dns
    try:
        asked = normalize(keys.query_name or ".")
    except DnsEventsError as error:
        notes.append(f"# {name}: {error}")
        return
    # A module does not say where the zone begins; one that asks for SOA or NS most likely asks at its apex.
    zone = asked if keys.query_type in {"SOA", "NS", "DNSKEY"} or asked.count(".") < 2 else parent(asked)
    notes.append(f"# {name}: zone {zone} is a guess from {asked} {keys.query_type}")
    entry = zones.setdefault(zone, {}).setdefault(asked, {"types": []})
    if keys.query_type == "ANY":
        notes.append(f"# {name}: ANY is refused by many servers (RFC 8482); A, AAAA, CNAME, NS and SOA are asked")
    elif keys.query_type not in entry["types"]:
        entry["types"].append(keys.query_type)
    if keys.query_type != "ANY" and (expected := _expected(name, module, notes)):
        entry.setdefault("expect", {})[keys.query_type] = expected
    if keys.source_ip_address is not None:
        notes.append(f"# {name}: source_ip_address has no counterpart; set the route's source address")
    if not keys.recursion_desired:
        notes.append(f"# {name}: asks without recursion; authoritative servers are found and asked by themselves")
    for target in targets:
        _resolver(name, module, target, resolvers, notes)


def _expected(name: str, module: Module, notes: list[str]) -> dict[str, Any]:
    assert module.dns is not None
    keys = module.dns
    found: dict[str, Any] = {}
    if keys.valid_rcodes != ("NOERROR",):
        found["rcodes"] = list(keys.valid_rcodes)
    answer = keys.validate_answer_rrs
    if answer.fail_if_none_matches_regexp:
        found["match"] = ["|".join(f"(?:{p})" for p in answer.fail_if_none_matches_regexp)]
    if answer.fail_if_matches_regexp:
        found["not_match"] = list(answer.fail_if_matches_regexp)
    if found.get("match") or found.get("not_match"):
        notes.append(f"# {name}: patterns are held against the data alone here, not against name, TTL and type")
    for section in ("answer", "authority", "additional"):
        patterns = getattr(keys, f"validate_{section}_rrs")
        for which in patterns.__struct_fields__:
            kept = section == "answer" and which in {"fail_if_none_matches_regexp", "fail_if_matches_regexp"}
            if getattr(patterns, which) and not kept:
                told = ", ".join(getattr(patterns, which))
                notes.append(f"# {name}: validate_{section}_rrs.{which} has no counterpart: {told}")
    return found


def _resolver(
    name: str, module: Module, target: str, resolvers: dict[tuple[str, int, str], dict[str, Any]], notes: list[str]
) -> None:
    assert module.dns is not None
    keys = module.dns
    transport = "dot" if keys.dns_over_tls else keys.transport_protocol
    host, port = split(target, 853 if keys.dns_over_tls else 53)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        notes.append(f"# {name}: target {target} is a name; write its address under `resolvers:`")
        return
    entry: dict[str, Any] = {"address": host, "port": port, "name": target}
    if transport != "udp":
        entry["transport"] = transport
    if transport == "dot":
        tls = keys.tls_config
        told = {"name": tls.server_name, "ca": tls.ca_file, "verify": False if tls.insecure_skip_verify else None}
        if used := {key: value for key, value in told.items() if value is not None}:
            entry["tls"] = used
        if tls.cert_file is not None:
            notes.append(f"# {name}: a client certificate for DNS over TLS has no counterpart")
    resolvers[host, port, transport] = entry


def _targets(scrape: Path) -> dict[str, tuple[str, ...]]:
    """Static targets by module."""
    prometheus = Document(scrape, ConfigError).convert(_Prometheus)
    found: dict[str, tuple[str, ...]] = {}
    for job in prometheus.scrape_configs:
        for module in job.params.get("module", ()):
            found[module] = found.get(module, ()) + tuple(t for s in job.static_configs for t in s.targets)
    return found
