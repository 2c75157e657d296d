# protoc wrote it: the names are those of its own style, and its maps have no type arguments.
# mypy: disable-error-code="type-arg"
# ruff: noqa: A002, I001, RUF023, UP007, UP035, UP045
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import (
    ClassVar as _ClassVar,
    Iterable as _Iterable,
    Mapping as _Mapping,
    Optional as _Optional,
    Union as _Union,
)

DESCRIPTOR: _descriptor.FileDescriptor

class Event(_message.Message):
    __slots__ = ("observation", "delegation", "registration", "zone_change", "traffic")
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    DELEGATION_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    ZONE_CHANGE_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    observation: Observation
    delegation: Delegation
    registration: Registration
    zone_change: ZoneChange
    traffic: Traffic
    def __init__(
        self,
        observation: _Optional[_Union[Observation, _Mapping]] = ...,
        delegation: _Optional[_Union[Delegation, _Mapping]] = ...,
        registration: _Optional[_Union[Registration, _Mapping]] = ...,
        zone_change: _Optional[_Union[ZoneChange, _Mapping]] = ...,
        traffic: _Optional[_Union[Traffic, _Mapping]] = ...,
    ) -> None: ...

class Texts(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class TextsByName(_message.Message):
    __slots__ = ("values",)
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Texts
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Texts, _Mapping]] = ...) -> None: ...

    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.MessageMap[str, Texts]
    def __init__(self, values: _Optional[_Mapping[str, Texts]] = ...) -> None: ...

class NameCount(_message.Message):
    __slots__ = ("name", "count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    count: int
    def __init__(self, name: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class Probe(_message.Message):
    __slots__ = ("id", "region", "network", "clock_age", "clock_skew", "reach")
    ID_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    CLOCK_AGE_FIELD_NUMBER: _ClassVar[int]
    CLOCK_SKEW_FIELD_NUMBER: _ClassVar[int]
    REACH_FIELD_NUMBER: _ClassVar[int]
    id: str
    region: str
    network: str
    clock_age: float
    clock_skew: float
    reach: Texts
    def __init__(
        self,
        id: _Optional[str] = ...,
        region: _Optional[str] = ...,
        network: _Optional[str] = ...,
        clock_age: _Optional[float] = ...,
        clock_skew: _Optional[float] = ...,
        reach: _Optional[_Union[Texts, _Mapping]] = ...,
    ) -> None: ...

class Server(_message.Message):
    __slots__ = ("address", "port", "name", "role", "nsid")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NSID_FIELD_NUMBER: _ClassVar[int]
    address: str
    port: int
    name: str
    role: str
    nsid: str
    def __init__(
        self,
        address: _Optional[str] = ...,
        port: _Optional[int] = ...,
        name: _Optional[str] = ...,
        role: _Optional[str] = ...,
        nsid: _Optional[str] = ...,
    ) -> None: ...

class Ede(_message.Message):
    __slots__ = ("code", "text")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: int
    text: str
    def __init__(self, code: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class Record(_message.Message):
    __slots__ = ("name", "type", "ttl", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    ttl: int
    data: str
    def __init__(
        self,
        name: _Optional[str] = ...,
        type: _Optional[str] = ...,
        ttl: _Optional[int] = ...,
        data: _Optional[str] = ...,
    ) -> None: ...

class Dnssec(_message.Message):
    __slots__ = ("status", "cause", "expires")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    status: str
    cause: str
    expires: _timestamp_pb2.Timestamp
    def __init__(
        self,
        status: _Optional[str] = ...,
        cause: _Optional[str] = ...,
        expires: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
    ) -> None: ...

class Violation(_message.Message):
    __slots__ = ("expectation", "text")
    EXPECTATION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    expectation: str
    text: str
    def __init__(self, expectation: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ServerView(_message.Message):
    __slots__ = ("address", "name", "nsid", "serial", "zoneversion", "lame", "tcp", "edns", "dnssec")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NSID_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    ZONEVERSION_FIELD_NUMBER: _ClassVar[int]
    LAME_FIELD_NUMBER: _ClassVar[int]
    TCP_FIELD_NUMBER: _ClassVar[int]
    EDNS_FIELD_NUMBER: _ClassVar[int]
    DNSSEC_FIELD_NUMBER: _ClassVar[int]
    address: str
    name: str
    nsid: str
    serial: int
    zoneversion: int
    lame: bool
    tcp: bool
    edns: str
    dnssec: Dnssec
    def __init__(
        self,
        address: _Optional[str] = ...,
        name: _Optional[str] = ...,
        nsid: _Optional[str] = ...,
        serial: _Optional[int] = ...,
        zoneversion: _Optional[int] = ...,
        lame: bool = ...,
        tcp: bool = ...,
        edns: _Optional[str] = ...,
        dnssec: _Optional[_Union[Dnssec, _Mapping]] = ...,
    ) -> None: ...

class Observation(_message.Message):
    __slots__ = (
        "id",
        "time",
        "probe",
        "zone",
        "source",
        "name",
        "qtype",
        "server",
        "transport",
        "outcome",
        "rcode",
        "flags",
        "ede",
        "answers",
        "ttl",
        "serial",
        "latency",
        "dnssec",
        "wire",
        "detail",
        "violations",
        "extra",
    )
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    QTYPE_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RCODE_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    EDE_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    DNSSEC_FIELD_NUMBER: _ClassVar[int]
    WIRE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    probe: Probe
    zone: str
    source: str
    name: str
    qtype: str
    server: Server
    transport: str
    outcome: str
    rcode: str
    flags: _containers.RepeatedScalarFieldContainer[str]
    ede: _containers.RepeatedCompositeFieldContainer[Ede]
    answers: _containers.RepeatedCompositeFieldContainer[Record]
    ttl: int
    serial: int
    latency: float
    dnssec: Dnssec
    wire: str
    detail: str
    violations: _containers.RepeatedCompositeFieldContainer[Violation]
    extra: str
    def __init__(
        self,
        id: _Optional[str] = ...,
        time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        probe: _Optional[_Union[Probe, _Mapping]] = ...,
        zone: _Optional[str] = ...,
        source: _Optional[str] = ...,
        name: _Optional[str] = ...,
        qtype: _Optional[str] = ...,
        server: _Optional[_Union[Server, _Mapping]] = ...,
        transport: _Optional[str] = ...,
        outcome: _Optional[str] = ...,
        rcode: _Optional[str] = ...,
        flags: _Optional[_Iterable[str]] = ...,
        ede: _Optional[_Iterable[_Union[Ede, _Mapping]]] = ...,
        answers: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...,
        ttl: _Optional[int] = ...,
        serial: _Optional[int] = ...,
        latency: _Optional[float] = ...,
        dnssec: _Optional[_Union[Dnssec, _Mapping]] = ...,
        wire: _Optional[str] = ...,
        detail: _Optional[str] = ...,
        violations: _Optional[_Iterable[_Union[Violation, _Mapping]]] = ...,
        extra: _Optional[str] = ...,
    ) -> None: ...

class Delegation(_message.Message):
    __slots__ = (
        "id",
        "time",
        "probe",
        "zone",
        "parent_ns",
        "child_ns",
        "ds",
        "dnskey",
        "serials",
        "lame",
        "glue",
        "child_addresses",
        "cds",
        "cdnskey",
        "ttls",
        "soa_expire",
        "signatures_expire",
        "servers",
        "unresolved",
    )
    class SerialsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...

    class TtlsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...

    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    PARENT_NS_FIELD_NUMBER: _ClassVar[int]
    CHILD_NS_FIELD_NUMBER: _ClassVar[int]
    DS_FIELD_NUMBER: _ClassVar[int]
    DNSKEY_FIELD_NUMBER: _ClassVar[int]
    SERIALS_FIELD_NUMBER: _ClassVar[int]
    LAME_FIELD_NUMBER: _ClassVar[int]
    GLUE_FIELD_NUMBER: _ClassVar[int]
    CHILD_ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    CDS_FIELD_NUMBER: _ClassVar[int]
    CDNSKEY_FIELD_NUMBER: _ClassVar[int]
    TTLS_FIELD_NUMBER: _ClassVar[int]
    SOA_EXPIRE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_EXPIRE_FIELD_NUMBER: _ClassVar[int]
    SERVERS_FIELD_NUMBER: _ClassVar[int]
    UNRESOLVED_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    probe: Probe
    zone: str
    parent_ns: Texts
    child_ns: Texts
    ds: Texts
    dnskey: Texts
    serials: _containers.ScalarMap[str, int]
    lame: _containers.RepeatedScalarFieldContainer[str]
    glue: TextsByName
    child_addresses: TextsByName
    cds: Texts
    cdnskey: Texts
    ttls: _containers.ScalarMap[str, int]
    soa_expire: int
    signatures_expire: _timestamp_pb2.Timestamp
    servers: _containers.RepeatedCompositeFieldContainer[ServerView]
    unresolved: Texts
    def __init__(
        self,
        id: _Optional[str] = ...,
        time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        probe: _Optional[_Union[Probe, _Mapping]] = ...,
        zone: _Optional[str] = ...,
        parent_ns: _Optional[_Union[Texts, _Mapping]] = ...,
        child_ns: _Optional[_Union[Texts, _Mapping]] = ...,
        ds: _Optional[_Union[Texts, _Mapping]] = ...,
        dnskey: _Optional[_Union[Texts, _Mapping]] = ...,
        serials: _Optional[_Mapping[str, int]] = ...,
        lame: _Optional[_Iterable[str]] = ...,
        glue: _Optional[_Union[TextsByName, _Mapping]] = ...,
        child_addresses: _Optional[_Union[TextsByName, _Mapping]] = ...,
        cds: _Optional[_Union[Texts, _Mapping]] = ...,
        cdnskey: _Optional[_Union[Texts, _Mapping]] = ...,
        ttls: _Optional[_Mapping[str, int]] = ...,
        soa_expire: _Optional[int] = ...,
        signatures_expire: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        servers: _Optional[_Iterable[_Union[ServerView, _Mapping]]] = ...,
        unresolved: _Optional[_Union[Texts, _Mapping]] = ...,
    ) -> None: ...

class Registration(_message.Message):
    __slots__ = (
        "id",
        "time",
        "probe",
        "zone",
        "registrar",
        "statuses",
        "nameservers",
        "expires",
        "changed",
        "registrant",
        "transfer",
        "ds",
        "via",
        "error",
    )
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    REGISTRAR_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    NAMESERVERS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    REGISTRANT_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    DS_FIELD_NUMBER: _ClassVar[int]
    VIA_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    probe: Probe
    zone: str
    registrar: str
    statuses: Texts
    nameservers: Texts
    expires: _timestamp_pb2.Timestamp
    changed: _timestamp_pb2.Timestamp
    registrant: str
    transfer: str
    ds: Texts
    via: str
    error: str
    def __init__(
        self,
        id: _Optional[str] = ...,
        time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        probe: _Optional[_Union[Probe, _Mapping]] = ...,
        zone: _Optional[str] = ...,
        registrar: _Optional[str] = ...,
        statuses: _Optional[_Union[Texts, _Mapping]] = ...,
        nameservers: _Optional[_Union[Texts, _Mapping]] = ...,
        expires: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        changed: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        registrant: _Optional[str] = ...,
        transfer: _Optional[str] = ...,
        ds: _Optional[_Union[Texts, _Mapping]] = ...,
        via: _Optional[str] = ...,
        error: _Optional[str] = ...,
    ) -> None: ...

class ZoneChange(_message.Message):
    __slots__ = ("id", "time", "probe", "zone", "actor", "serial_from", "serial_to", "added", "removed")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FROM_FIELD_NUMBER: _ClassVar[int]
    SERIAL_TO_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    probe: Probe
    zone: str
    actor: str
    serial_from: int
    serial_to: int
    added: _containers.RepeatedCompositeFieldContainer[Record]
    removed: _containers.RepeatedCompositeFieldContainer[Record]
    def __init__(
        self,
        id: _Optional[str] = ...,
        time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        probe: _Optional[_Union[Probe, _Mapping]] = ...,
        zone: _Optional[str] = ...,
        actor: _Optional[str] = ...,
        serial_from: _Optional[int] = ...,
        serial_to: _Optional[int] = ...,
        added: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...,
        removed: _Optional[_Iterable[_Union[Record, _Mapping]]] = ...,
    ) -> None: ...

class Traffic(_message.Message):
    __slots__ = ("id", "time", "probe", "zone", "server", "window", "queries", "outcomes", "top_nxdomain", "clients")
    class OutcomesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...

    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    TOP_NXDOMAIN_FIELD_NUMBER: _ClassVar[int]
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    probe: Probe
    zone: str
    server: Server
    window: float
    queries: int
    outcomes: _containers.ScalarMap[str, int]
    top_nxdomain: _containers.RepeatedCompositeFieldContainer[NameCount]
    clients: int
    def __init__(
        self,
        id: _Optional[str] = ...,
        time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...,
        probe: _Optional[_Union[Probe, _Mapping]] = ...,
        zone: _Optional[str] = ...,
        server: _Optional[_Union[Server, _Mapping]] = ...,
        window: _Optional[float] = ...,
        queries: _Optional[int] = ...,
        outcomes: _Optional[_Mapping[str, int]] = ...,
        top_nxdomain: _Optional[_Iterable[_Union[NameCount, _Mapping]]] = ...,
        clients: _Optional[int] = ...,
    ) -> None: ...
