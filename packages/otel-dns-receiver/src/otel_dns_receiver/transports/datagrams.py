"""Many questions at once over UDP, as cheaply as an interpreter can: one callback an answer, no task.

Each server has a connected socket of its own while it is being asked, so that other senders' datagrams
never arrive and ICMP errors do. A socket is given up after some seconds or questions, and the next one has
another port: with the random id, an answer from off the path stays a guess (RFC 5452 §9).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

#: For how long, and for how many questions, a socket keeps its port.
PORT_SECONDS = 10.0
PORT_QUESTIONS = 20_000
MOST_SOCKETS = 256
#: Datagrams that are read of one socket before the others have their turn.
_BURST = 256
_TICK = 0.02
_RECEIVE_BUFFER = 1 << 20
_REFUSED = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNRESET, errno.EADDRNOTAVAIL}
_FULL = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS}

Silence = Literal["timeout", "unreachable"]


class Question(Protocol):
    """What is sent to whom."""

    address: str
    port: int
    tail: bytes
    """The query without its id."""

    def accepts(self, wire: bytes) -> bool:
        """Whether these bytes answer this question, whatever they say."""


Q = TypeVar("Q", bound=Question)


class Datagrams(Generic[Q]):
    """Asks over UDP.

    Args:
        timeout: seconds for an answer.
        answered: called with the question, the bytes, and the monotonic times of question and answer.
        silent: called with the question, why there is no answer, and the time of the question.
    """

    def __init__(
        self,
        timeout: float,
        answered: Callable[[Q, bytes, float, float], None],
        silent: Callable[[Q, Silence, float], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._answered = answered
        self._silent = silent
        self._sockets: dict[tuple[str, int], _Socket[Q]] = {}
        self._retired: list[_Socket[Q]] = []
        self._order: deque[tuple[float, _Socket[Q], bytes]] = deque()
        self._ticking: asyncio.TimerHandle | None = None
        self._ids = _Ids()
        self.strays = 0
        """Datagrams that answered nothing that was asked."""

    def ask(self, question: Q) -> None:
        """Send; `answered` or `silent` is called once, later.

        Raises:
            OSError: this machine cannot send at all, for instance for want of file descriptors.
        """
        now = time.monotonic()
        target = (question.address, question.port)
        sock = self._sockets.get(target)
        if sock is None or now > sock.until or sock.asked > PORT_QUESTIONS:
            sock = self._renew(target, now)
            if sock is None:
                self._loop.call_soon(self._silent, question, "unreachable", now)
                return
        waiting = sock.waiting
        number = self._ids.next()
        while number in waiting:
            number = self._ids.next()
        waiting[number] = (question, now)
        sock.asked += 1
        self._order.append((now, sock, number))
        if self._ticking is None:
            self._ticking = self._loop.call_later(_TICK, self._tick)
        try:
            sock.send(number + question.tail)
        except OSError as error:
            if error.errno in _FULL:
                self._loop.call_later(0.001, self._again, sock, number)
            elif error.errno in _REFUSED:
                # It tells of earlier datagrams (an ICMP error that came meanwhile); this one was not sent.
                del waiting[number]
                self._refuse(sock)
                waiting[number] = (question, now)
                self._loop.call_soon(self._again, sock, number)
            else:
                del waiting[number]
                raise

    def close(self) -> None:
        """Close every socket; what is still out gets no answer any more."""
        if self._ticking is not None:
            self._ticking.cancel()
        for sock in [*self._sockets.values(), *self._retired]:
            self._loop.remove_reader(sock.fileno)
            sock.close()
        self._sockets.clear()
        self._retired.clear()

    def _again(self, sock: _Socket[Q], number: bytes) -> None:
        flight = sock.waiting.get(number)
        if flight is None:
            return
        try:
            sock.send(number + flight[0].tail)
        except OSError as error:
            if error.errno in _FULL:
                self._loop.call_later(0.005, self._again, sock, number)
            else:
                self._refuse(sock)

    def _renew(self, target: tuple[str, int], now: float) -> _Socket[Q] | None:
        """A socket with a new port; ``None`` where there is no way to the server at all."""
        if (old := self._sockets.pop(target, None)) is not None:
            self._retired.append(old)
        elif len(self._sockets) >= MOST_SOCKETS:
            self._retired.append(self._sockets.pop(next(iter(self._sockets))))
        try:
            sock = _Socket[Q](target, now + PORT_SECONDS)
        except OSError as error:
            if error.errno in _REFUSED or error.errno == errno.EAFNOSUPPORT:
                return None
            raise
        self._sockets[target] = sock
        self._loop.add_reader(sock.fileno, self._read, sock)
        return sock

    def _read(self, sock: _Socket[Q]) -> None:
        waiting, receive, answered = sock.waiting, sock.receive, self._answered
        for _ in range(_BURST):
            try:
                wire = receive(65535)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _REFUSED:
                    self._refuse(sock)
                    continue
                raise
            now = time.monotonic()
            flight = waiting.get(wire[:2])
            if flight is None or not flight[0].accepts(wire):
                self.strays += 1
                continue
            del waiting[wire[:2]]
            answered(flight[0], wire, flight[1], now)

    def _refuse(self, sock: _Socket[Q]) -> None:
        """An ICMP error came. The kernel keeps one for many, so it is taken for all that wait there."""
        refused = list(sock.waiting.values())
        sock.waiting.clear()
        for question, sent in refused:
            self._silent(question, "unreachable", sent)

    def _tick(self) -> None:
        """Find what has waited too long, and sockets that nobody waits on any more."""
        now = time.monotonic()
        order = self._order
        # Whatever was answered leaves the queue here, at the latest when its time is over.
        while order:
            sent, sock, number = order[0]
            flight = sock.waiting.get(number)
            if flight is not None and flight[1] == sent:
                if now - sent < self._timeout:
                    break
                del sock.waiting[number]
                self._silent(flight[0], "timeout", sent)
            order.popleft()
        self._retired = [sock for sock in self._retired if not self._gone(sock)]
        for target in [t for t, sock in self._sockets.items() if now > sock.until and not sock.waiting]:
            self._gone(self._sockets.pop(target))
        busy = order or self._retired or self._sockets
        self._ticking = self._loop.call_later(_TICK, self._tick) if busy else None

    def _gone(self, sock: _Socket[Q]) -> bool:
        if sock.waiting:
            return False
        self._loop.remove_reader(sock.fileno)
        sock.close()
        return True


class _Socket(Generic[Q]):
    """A connected socket and what waits on it: by id, the question and its time."""

    __slots__ = ("_sock", "asked", "fileno", "receive", "send", "until", "waiting")

    def __init__(self, target: tuple[str, int], until: float) -> None:
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._sock.connect(target)
        except OSError:
            self._sock.close()
            raise
        self.fileno = self._sock.fileno()
        self.send, self.receive = self._sock.send, self._sock.recv
        self.until = until
        self.asked = 0
        self.waiting: dict[bytes, tuple[Q, float]] = {}

    def close(self) -> None:
        self._sock.close()


class _Ids:
    """Message ids, from the system's randomness in portions."""

    def __init__(self) -> None:
        self._portion = b""
        self._at = 0

    def next(self) -> bytes:
        at = self._at
        if at >= len(self._portion):
            self._portion, at = os.urandom(4096), 0
        self._at = at + 2
        return self._portion[at : at + 2]
