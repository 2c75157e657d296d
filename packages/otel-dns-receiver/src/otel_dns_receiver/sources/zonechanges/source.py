"""Watches zones for edits."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import time
from typing import TYPE_CHECKING, Annotated, Literal

from dns_events import DnsEventsError, ZoneChange, durations, new_id, normalize
from msgspec import Meta, Struct, structs

from otel_dns_receiver.sources.listening import endpoint, listen

from . import transfer
from .copies import Copies
from .difference import Contents, ZoneError, difference, from_text, newer
from .files import Changed
from .notify import hear
from .plans import PlanError, dnscontrol, octodns

if TYPE_CHECKING:
    from collections.abc import Callable

    import dns.zone
    from dns_events import Transport

    from otel_dns_receiver.sources.contract import Context

#: Transfers of one zone are at least so many seconds apart, however often a primary says that it has changed.
_QUIET = 1.0
_LOOK = 1.0
#: NOTIFY messages a second that are looked at; the rest are counted.
_MOST_NOTIFIES = 1000
Port = Annotated[int, Meta(ge=1, le=65535)]


class Primary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server that gives the zone."""

    zone: str
    address: str
    port: Port = 53
    key: str | None = None
    """Name of a TSIG key."""


class ZoneFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A zone file."""

    zone: str
    path: str


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file with a plan: octoDNS' JSON, or what ``dnscontrol preview`` printed."""

    format: Literal["octodns", "dnscontrol"]
    path: str
    actor: str | None = None
    """Who plans; ``octodns`` or ``dnscontrol`` where left out."""


class Notify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Listen for NOTIFY, over UDP and TCP."""

    listen: str
    """``address:port``."""
    allow: tuple[str, ...] = ()
    """Addresses that may send besides the primaries'."""
    signed: bool = True
    """Whether a message must be signed with one of `keys`, where there are keys."""


class ZoneChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Edits of zones, from primaries (SOA polling, NOTIFY, IXFR and AXFR), zone files and plans."""

    primaries: tuple[Primary, ...] = ()
    files: tuple[ZoneFile, ...] = ()
    plans: tuple[Plan, ...] = ()
    notify: Notify | None = None
    keys: str | None = None
    """File of TSIG keys, one ``name algorithm secret`` a line."""
    poll: str | float = "60s"
    """Between questions for the serial."""
    timeout: str | float = "30s"
    copies: str | None = None
    """Folder for the last known state of each zone; without it a restart begins anew."""

    def __post_init__(self) -> None:
        durations.seconds(self.poll)
        durations.seconds(self.timeout)
        if not (self.primaries or self.files or self.plans):
            raise ValueError("nothing to watch; write `primaries`, `files` or `plans`")
        if self.notify is not None:
            endpoint(self.notify.listen)
            for address in self.notify.allow:
                _address(address)
        for primary in self.primaries:
            _address(primary.address)
        for zone in (*(primary.zone for primary in self.primaries), *(file.zone for file in self.files)):
            try:
                normalize(zone)
            except DnsEventsError as error:
                raise ValueError(str(error)) from error

    async def run(self, context: Context) -> None:
        """Watch until cancelled."""
        keys = transfer.load_keys(context.base / self.keys) if self.keys is not None else {}
        copies = Copies(None if self.copies is None else context.base / self.copies)
        say = _Said(context)
        watches = [
            PrimaryWatch(structs.replace(p, zone=normalize(p.zone)), keys, copies, context, say, self)
            for p in self.primaries
        ]
        async with asyncio.TaskGroup() as group:
            for watch in watches:
                group.create_task(watch.run())
            if self.notify is not None:
                ear = _Ear(self.notify, keys, watches, context)
                group.create_task(
                    listen(
                        self.notify.listen,
                        ear.hear,
                        context,
                        ready=lambda port: context.log.info("taking NOTIFY at port %d", port),
                    )
                )
            for file in self.files:
                group.create_task(_watch_file(file, copies, context, say))
            for plan in self.plans:
                group.create_task(_watch_plan(plan, context, say))


def _address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address; write for instance 192.0.2.1") from error


class _Said:
    """Logs a trouble once, until it changes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._texts: dict[str, str | None] = {}

    def __call__(self, subject: str, text: str | None) -> None:
        if text is not None and self._texts.get(subject) != text:
            self._context.log.warning("%s: %s", subject, text)
        self._texts[subject] = text


def _emit(context: Context, zone: str, actor: str | None, before: Contents | None, after: Contents) -> None:
    """An event about the difference, where there is one."""
    if before is None:
        context.count("first_seen", 1)
        return
    found = difference(before, after)
    if found.nothing:
        context.count("serial_only", 1)
        return
    if found.more:
        context.count("records_not_listed", found.more)
    context.count("changes", 1)
    context.emit(
        ZoneChange(
            id=new_id(),
            time=dt.datetime.now(dt.UTC),
            probe=context.probe(),
            zone=zone,
            actor=actor,
            serial_from=before.serial,
            serial_to=after.serial,
            added=found.added,
            removed=found.removed,
        )
    )


class PrimaryWatch:
    """One zone at one primary."""

    def __init__(
        self,
        primary: Primary,
        keys: transfer.Keyring,
        copies: Copies,
        context: Context,
        say: Callable[[str, str | None], None],
        config: ZoneChanges,
    ) -> None:
        self.primary = primary
        self._key = transfer.key_of(keys, primary.key)
        self._copies = copies
        self._context = context
        self._say = say
        self._poll = durations.seconds(config.poll)
        self._timeout = durations.seconds(config.timeout)
        self._held: dns.zone.Zone | None = None
        self._told = asyncio.Event()

    def tell(self) -> None:
        """The primary says that something changed. However often, one look follows."""
        if self._told.is_set():
            self._context.count("notify_coalesced", 1)
        self._told.set()

    async def run(self) -> None:
        """Look whenever told, and every now and then."""
        while True:
            self._told.clear()
            try:
                await self.look()
                self._say(f"{self.primary.zone} at {self.primary.address}", None)
            except (transfer.TransferError, OSError) as error:
                self._context.count("failed", 1)
                self._say(f"{self.primary.zone} at {self.primary.address}", str(error))
            await asyncio.sleep(_QUIET)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._poll - _QUIET)):
                    await self._told.wait()

    async def look(self) -> None:
        """Ask for the serial, and for the zone where it is newer.

        Raises:
            TransferError: the primary does not give it; what is held stays.
            OSError: the copy cannot be written.
        """
        zone, address, port = self.primary.zone, self.primary.address, self.primary.port
        name = f"{zone}@{address}"
        before = self._copies.get(name, zone)
        serial = await transfer.serial(zone, address, port, self._key, min(self._timeout, 5.0))
        self._context.count("polled", 1)
        if before is not None and not newer(serial, before.serial):
            return
        try:
            held = await transfer.fetch(zone, address, port, self._key, self._held, self._timeout)
        except transfer.TransferError:
            # What is held may be half changed; begin with the whole zone the next time.
            self._held = None
            raise
        self._held = held
        after = transfer.state(held)
        _emit(self._context, zone, None, before, after)
        self._copies.put(name, zone, after)


async def _watch_file(file: ZoneFile, copies: Copies, context: Context, say: Callable[[str, str | None], None]) -> None:
    zone = normalize(file.zone)
    changed = Changed(context.base / file.path)
    name = f"{zone}@file"
    while True:
        try:
            text = changed.look()
            if text is not None:
                after = from_text(text, zone)
                _emit(context, zone, f"file:{changed.path.name}", copies.get(name, zone), after)
                copies.put(name, zone, after)
                say(str(changed.path), None)
        except (ZoneError, ValueError) as error:
            # It may be half written; the next state of the file is looked at, and this one is no change.
            context.count("unparsable", 1)
            say(str(changed.path), str(error)[:300])
        except OSError as error:
            say(str(changed.path), error.strerror or str(error))
        await asyncio.sleep(_LOOK)


async def _watch_plan(plan: Plan, context: Context, say: Callable[[str, str | None], None]) -> None:
    changed = Changed(context.base / plan.path)
    read = octodns if plan.format == "octodns" else dnscontrol
    while True:
        try:
            text = changed.look()
            for planned in read(text) if text is not None and text.strip() else ():
                if not (planned.added or planned.removed):
                    continue
                context.count("plans", 1)
                context.emit(
                    ZoneChange(
                        id=new_id(),
                        time=dt.datetime.now(dt.UTC),
                        probe=context.probe(),
                        zone=planned.zone,
                        actor=f"plan:{plan.actor or plan.format}",
                        added=planned.added,
                        removed=planned.removed,
                    )
                )
                say(str(changed.path), None)
        except (PlanError, ValueError) as error:
            context.count("unparsable", 1)
            say(str(changed.path), str(error)[:300])
        except OSError as error:
            say(str(changed.path), error.strerror or str(error))
        await asyncio.sleep(_LOOK)


class _Ear:
    """Every NOTIFY: received = the sum of its verdicts + over_limit."""

    def __init__(self, notify: Notify, keys: transfer.Keyring, watches: list[PrimaryWatch], context: Context) -> None:
        self._allowed = {*notify.allow, *(watch.primary.address for watch in watches)}
        self._signed = notify.signed and bool(keys)
        self._keys = keys
        self._watches = watches
        self._zones = {watch.primary.zone for watch in watches}
        self._context = context
        self._second = 0
        self._number = 0

    def hear(self, wire: bytes, peer: tuple[str, int], _transport: Transport, /) -> bytes | None:
        """Take one message; what to answer."""
        self._context.count("notify_received", 1)
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._number = second, 0
        self._number += 1
        if self._number > _MOST_NOTIFIES:
            self._context.count("notify_over_limit", 1)
            return None
        heard = hear(wire, allowed=peer[0] in self._allowed, keys=self._keys, signed=self._signed, zones=self._zones)
        self._context.count(f"notify_{heard.verdict}", 1)
        for watch in self._watches:
            if heard.verdict == "told" and watch.primary.zone == heard.zone:
                watch.tell()
        return heard.reply
