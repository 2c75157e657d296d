"""The bridge, assembled: store, way in, judgement, pages, board."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from dns_events.durations import seconds
from dns_rules import load_inventory, load_rules
from dns_rules.errors import RulesError
from starlette.applications import Starlette

from .board.app import LOOPBACK_NAMES
from .board.app import create_app as create_board
from .config import endpoint
from .errors import BridgeError, ConfigError
from .evidence.notary import Notary
from .health.measures import Measures
from .health.telemetry import Telemetry, observe
from .health.vitals import Part, Vitals
from .health.web import routes
from .influx.exporter import Exporter
from .intake.doors import doors
from .intake.grpc import GrpcServer
from .intake.http import create_app as create_intake
from .intake.web import WebServer
from .notify.acknowledging import Acknowledging
from .notify.heartbeat import Heartbeat
from .notify.links import Links
from .notify.outbox import Deliverer
from .notify.receivers import kinds, ways
from .pipeline.embedded import EmbeddedBus
from .postgres.server import Server
from .reloading import Reloading, Watched
from .store.pool import open_pool
from .store.upkeep import Upkeep, kept
from .timekeeper import Timekeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dns_rules import Inventory

    from .config import Config
    from .intake.contract import WayIn
    from .intake.guard import Guard
    from .kafka.bus import ForwardBus, KafkaBus
    from .kafka.settings import Role
    from .notify.routing import Routing
    from .store.pool import Pool


class Ports(NamedTuple):
    """Where a running bridge listens; ``None`` is off."""

    grpc: int | None
    http: int | None
    board: int | None
    health: int | None = None


class Helper(Protocol):
    """Works beside the bus."""

    trouble: str | None


class Bridge:
    """Everything of one bridge, from `start` to `stop`.

    Args:
        config: a checked configuration.
        as_json: console pages are JSON on stdout instead of lines on stderr.
        set_back: called where this host's clock was set back, with the seconds.
    """

    def __init__(
        self, config: Config, *, as_json: bool = False, set_back: Callable[[float], None] | None = None
    ) -> None:
        self._config = config
        self._as_json = as_json
        self._set_back = set_back
        self._stack = ExitStack()
        self.pool: Pool
        self.bus: EmbeddedBus | KafkaBus | ForwardBus
        self._reloading: Reloading | None = None
        self._deliverer: Deliverer | None = None
        self._heartbeat: Heartbeat | None = None
        self._time: Timekeeper
        self.inventory: Inventory
        self.conninfo: str
        self.ports = Ports(None, None, None)
        self._telemetry = Telemetry()
        self._measures = Measures(self._telemetry.meters)
        self._helpers: dict[str, Helper] = {}
        """What works beside the bus and may have trouble of its own, by name."""
        self.guard: Guard | None = None
        """Of a running bridge that takes OTLP: what was taken and refused is in its `counts`."""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def reload(self) -> None:
        """Look at the inventory and the rules now."""
        if self._reloading is not None:
            self._reloading.ask()

    def _start(self) -> None:
        config, stack = self._config, self._stack
        self.bus = self._forwarding() if config.forwards_only else self._judging()
        stack.callback(self.bus.stop)
        self.bus.start()
        if self._reloading is not None:
            stack.callback(self._reloading.stop)
            self._reloading.start()
        self.vitals = Vitals(self._parts, None if config.forwards_only else self.pool)
        if self._heartbeat is not None:
            stack.callback(self._heartbeat.start().stop)
        self._listen(self.bus.way_in)
        stack.callback(self._telemetry.stop)
        observe(
            self._measures.meter, self.vitals,
            partitions=lambda: self.bus.partitions, leading=lambda: self.bus.leading,
            counts=lambda: None if self.guard is None else self.guard.counts.snapshot(),
        )  # fmt: skip

    def _parts(self) -> list[Part]:
        """How everything but the store is."""
        helpers = [Part(name=name, trouble=helper.trouble) for name, helper in self._helpers.items()]
        refused = None if self._reloading is None else self._reloading.refused
        time = Part(name="time", notice=self._time.notice)
        told = [
            # Whoever cannot be told does not keep events from being taken.
            Part(name=name, notice=part.notice)
            for name, part in (("receivers", self._deliverer), ("heartbeat", self._heartbeat))
            if part is not None
        ]
        return [*self.bus.parts(), *helpers, *told, time, Part(name="configuration", trouble=refused)]

    def _judging(self) -> EmbeddedBus | KafkaBus:
        """Store, pages and the bus."""
        config, stack = self._config, self._stack
        assert config.inventory is not None
        try:
            watched = Watched(load_inventory(config.inventory, kinds(config.notify)), load_rules(config.rules))
        except RulesError as error:
            raise ConfigError(str(error)) from error
        self.inventory = watched.inventory
        if config.store.url is not None:
            self.conninfo = config.store.url
        else:
            assert config.store.directory is not None
            server = Server(Path(config.store.directory))
            stack.callback(server.stop)
            self.conninfo = server.start().conninfo
        self.pool = open_pool(self.conninfo, ground=config.store.ground)
        stack.callback(self.pool.close)
        self._keep_time(self.pool)
        self._owners()
        out = ways(config.notify, self.pool, as_json=self._as_json)
        if self._does("deliver"):
            upkeep = self._helpers["upkeep"] = Upkeep(self.pool, config.store)
            stack.callback(upkeep.start().stop)
            notary = self._helpers["evidence"] = Notary(self.conninfo)
            stack.callback(notary.start().stop)
            if config.influx is not None:
                keep = kept(config.store)
                exporter = Exporter(self.conninfo, config.influx, min(keep["minute"], keep["estate"]))
                self._helpers["influx"] = exporter
                stack.callback(exporter.start().stop)
            if config.notify.heartbeat is not None:
                self._heartbeat = Heartbeat(config.notify.heartbeat, out.addresses, self._stuck)
            stack.callback(out.addresses.start().stop)
            self._deliverer = Deliverer(self.pool, out.notifiers)
            stack.callback(self._deliverer.stop)
        if config.archive is not None and self._does("archive"):
            with _extra("archive"):
                from .archive.archiver import Archiver  # noqa: PLC0415 - an extra
            archiver = self._helpers["archive"] = Archiver(self.conninfo, config.archive)
            stack.callback(archiver.start().stop)
        bus = self._bus(watched, out.routing)
        taken = partial(self._use, bus)
        self._reloading = Reloading(
            config.inventory, config.rules, self.pool, watched, taken, receivers=out.routing.kinds
        )
        return bus

    def _keep_time(self, pool: Pool | None) -> None:
        self._time = Timekeeper(pool, set_back=self._set_back).start()
        self._stack.callback(self._time.stop)

    def _use(self, bus: EmbeddedBus | KafkaBus, watched: Watched) -> None:
        """Go by another inventory, other rules."""
        self.inventory = watched.inventory
        self._owners()
        bus.use(watched.inventory, watched.rules)

    def _bus(self, watched: Watched, routing: Routing) -> EmbeddedBus | KafkaBus:
        config = self._config
        archive, settle = config.archive is not None, seconds(config.settle)
        if config.kafka is None:
            return EmbeddedBus(
                self.pool,
                self.conninfo,
                *watched,
                routing,
                archive=archive,
                measures=self._measures,
                settle=settle,
                time=self._time,
            )
        with _extra("kafka"):
            from .kafka.bus import KafkaBus  # noqa: PLC0415 - an extra
        return KafkaBus(
            config.kafka,
            self.pool,
            self.conninfo,
            *watched,
            routing,
            most=config.otlp.max_bytes,
            archive=archive,
            measures=self._measures,
            settle=settle,
            time=self._time,
        )

    def _forwarding(self) -> ForwardBus:
        assert self._config.kafka is not None
        self._keep_time(None)
        with _extra("kafka"):
            from .kafka.bus import ForwardBus  # noqa: PLC0415 - an extra
        return ForwardBus(self._config.kafka, most=self._config.otlp.max_bytes)

    def _listen(self, way_in: WayIn | None) -> None:
        config, stack = self._config, self._stack
        grpc = http = board = health = None
        most = config.otlp.max_bytes
        if config.board is not None and self._does("board"):
            # First, so that it is there while everything else stops.
            names = ("*",) if config.board.expose else LOOPBACK_NAMES
            links = Links(config.notify.links)
            beside = [*routes(self.vitals, self._telemetry), *Acknowledging(self.pool, links).routes()]
            app = create_board(self.pool, names, beside, links)
            web = WebServer(app, *endpoint(config.board.listen), name="board")
            stack.callback(web.stop)
            board = web.port
        if config.health is not None:
            app = Starlette(routes=list(routes(self.vitals, self._telemetry)))
            web = WebServer(app, *endpoint(config.health.listen), name="health")
            stack.callback(web.stop)
            health = web.port
        if way_in is None:
            self.ports = Ports(grpc, http, board, health)
            return
        self.guard, certificates = doors(config.otlp, self._time.latest)
        if config.otlp.http is not None:
            app = create_intake(way_in, most, guard=self.guard)
            web = WebServer(app, *endpoint(config.otlp.http), name="otlp-http", tls=certificates)
            stack.callback(web.stop)
            http = web.port
        if config.otlp.grpc is not None:
            server = GrpcServer(way_in, *endpoint(config.otlp.grpc), most, guard=self.guard, tls=certificates)
            stack.callback(server.stop)
            grpc = server.port
        self.ports = Ports(grpc, http, board, health)

    def _does(self, role: Role) -> bool:
        return self._config.kafka is None or role in self._config.kafka.roles

    def _stuck(self) -> str | None:
        """Why incidents would not be made or told right now, if so."""
        beside = {*self._helpers, "configuration"}
        for part in self.vitals.read().parts:
            if part.name not in beside and (part.trouble is not None or not part.alive):
                return f"{part.name}: {part.trouble or 'stopped'}"
        return None

    def _owners(self) -> None:
        """The inventory's zones and owners where dashboards can join them."""
        rows = [
            (zone.zone, zone.owner, self.inventory.teams[str(zone.owner)].name, zone.criticality)
            for zone in self.inventory.zones
        ]
        with self.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.execute("delete from zone_owner where not zone = any(%s)", ([row[0] for row in rows],))
            cursor.executemany(
                "insert into zone_owner (zone, owner, owner_name, criticality) values (%s, %s, %s, %s) "
                "on conflict (zone) do update set owner = excluded.owner, owner_name = excluded.owner_name, "
                "criticality = excluded.criticality",
                rows,
            )


@contextmanager
def _extra(name: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        msg = f"`{name}` needs more than is installed ({error}); pip install 'kafka-bridge[{name}]'"
        raise BridgeError(msg) from error
