"""Every telemetry name of the suite. No other file spells one.

Names without the ``dnstower.`` prefix are OpenTelemetry's own (semantic conventions 1.44, of which the
DNS part is in Development); ours live under ``dnstower.*``.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "dnstower"

# Log record event names (`LogRecord.event_name`), one an event type.
EVENT_PREFIX: Final = "dns."

# Attributes that OpenTelemetry defines.
DNS_QUESTION_NAME: Final = "dns.question.name"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
NETWORK_TRANSPORT: Final = "network.transport"
NETWORK_PROTOCOL_NAME: Final = "network.protocol.name"
ERROR_TYPE: Final = "error.type"

# Attributes of the suite.
EVENT_ID: Final = "dnstower.event.id"
PROBE_ID: Final = "dnstower.probe.id"
PROBE_REGION: Final = "dnstower.probe.region"
PROBE_NETWORK: Final = "dnstower.probe.network"
PROBE_CLOCK_AGE: Final = "dnstower.probe.clock_age"
PROBE_CLOCK_SKEW: Final = "dnstower.probe.clock_skew"
PROBE_REACH: Final = "dnstower.probe.reach"
#: Resource attribute: which sender was proved. kafka-bridge alone writes it; what a client wrote there is dropped.
IDENTITY: Final = "dnstower.identity"
SOURCE: Final = "dnstower.source"
ZONE: Final = "dnstower.zone"
QTYPE: Final = "dnstower.question.type"
SERVER_NAME: Final = "dnstower.server.name"
SERVER_ROLE: Final = "dnstower.server.role"
SERVER_NSID: Final = "dnstower.server.nsid"
TRANSPORT: Final = "dnstower.transport"
OUTCOME: Final = "dnstower.outcome"
RCODE: Final = "dnstower.rcode"
FLAGS: Final = "dnstower.flags"
TTL: Final = "dnstower.ttl"
SERIAL: Final = "dnstower.serial"
LATENCY: Final = "dnstower.latency"
DNSSEC_STATUS: Final = "dnstower.dnssec.status"
DNSSEC_CAUSE: Final = "dnstower.dnssec.cause"
SOURCE_NAME: Final = "dnstower.source.name"
ITEM_STATE: Final = "dnstower.item.state"
EXPECTATION: Final = "dnstower.expectation"
QUESTION_STATE: Final = "dnstower.question.state"
CHECK: Final = "dnstower.check"
SIGNAL: Final = "dnstower.signal"
DELIVERY_STATE: Final = "dnstower.delivery.state"
RESULT: Final = "dnstower.result"
# What stands in for the series past the bound (metrics SDK specification, cardinality limits).
OVERFLOW: Final = "otel.metric.overflow"
# Fields that have no attribute of their own are named `dnstower.<field>`.
FIELD_PREFIX: Final = "dnstower."

# Metrics.
LOOKUP_DURATION: Final = "dns.lookup.duration"
#: Bucket boundaries in seconds that the semantic conventions advise for `dns.lookup.duration`.
LOOKUP_DURATION_BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
OBSERVATIONS: Final = "dnstower.dns.observations"
IN_FLIGHT: Final = "dnstower.dns.in_flight"
DNSSEC_EXPIRY: Final = "dnstower.dns.dnssec.expiry"
ZONE_SERIAL: Final = "dnstower.dns.zone.serial"
ANSWER_TTL: Final = "dnstower.dns.answer.ttl"
ANSWER_SET: Final = "dnstower.dns.answer.set"
CLOCK_AGE: Final = "dnstower.dns.probe.clock_age"
ZONE_SERVERS: Final = "dnstower.dns.zone.servers"
SOURCE_ITEMS: Final = "dnstower.source.items"
VIOLATIONS: Final = "dnstower.dns.violations"
QUESTIONS: Final = "dnstower.dns.questions"
SIGNATURE_MARGIN: Final = "dnstower.dns.zone.signature_margin"
SERVER_CHECK: Final = "dnstower.dns.server.check"
TRAFFIC_QUERIES: Final = "dnstower.dns.traffic.queries"
REGISTRATION_EXPIRY: Final = "dnstower.dns.registration.expiry"
PROBE_CONTROL: Final = "dnstower.dns.probe.control"
PROBE_BLIND: Final = "dnstower.dns.probe.blind"
CLOCK_SKEW: Final = "dnstower.dns.probe.clock_skew"
DELIVERY_EVENTS: Final = "dnstower.delivery.events"
DELIVERY_QUEUE_SIZE: Final = "dnstower.delivery.queue.size"
DELIVERY_QUEUE_AGE: Final = "dnstower.delivery.queue.age"
CONFIG_RELOADS: Final = "dnstower.config.reloads"
CONFIG_CURRENT: Final = "dnstower.config.current"

# The bridge's own.
BRIDGE_EVENTS: Final = "dnstower.bridge.events"
BRIDGE_COMMIT_DURATION: Final = "dnstower.bridge.commit.duration"
BRIDGE_EVENT_DELAY: Final = "dnstower.bridge.event.delay"
BRIDGE_ERRORS: Final = "dnstower.bridge.errors"
BRIDGE_BEHIND: Final = "dnstower.bridge.behind"
BRIDGE_WAITING: Final = "dnstower.bridge.waiting"
BRIDGE_TROUBLE: Final = "dnstower.bridge.trouble"
BRIDGE_PARTITIONS: Final = "dnstower.bridge.partitions"
BRIDGE_LEADING: Final = "dnstower.bridge.leading"
BRIDGE_DEADLETTERS: Final = "dnstower.bridge.deadletters"
BRIDGE_INTAKE_REQUESTS: Final = "dnstower.bridge.intake.requests"
BRIDGE_PROBE_SILENCE: Final = "dnstower.bridge.probe.silence"
PART: Final = "dnstower.part"
EVENT_STATE: Final = "dnstower.event.state"
REFUSAL: Final = "dnstower.refusal"

# The client's side of a lookup, on spans.
CLIENT_NAMESERVERS: Final = "dnstower.client.nameservers"
CLIENT_SEARCH: Final = "dnstower.client.search"
CLIENT_WAIT: Final = "dnstower.client.wait"
