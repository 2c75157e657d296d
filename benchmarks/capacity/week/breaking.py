"""What happens to the engine: a member dies, and the database takes nothing for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import simpy

    from benchmarks.capacity.coefficients import Coefficients

    from .members import Members
    from .process import Process
    from .setting import Setting
    from .watch import Watch

#: Seconds, on average, since Flink's last checkpoint.
_CHECKPOINT = 30.0
#: Seconds until a worker that died is there again.
_AWAY = 1800.0


class Breaking:
    """Both stop members; how it is just before is looked at, for it is the peak of a queue or its end."""

    def __init__(
        self, env: simpy.Environment, setting: Setting, figures: Coefficients, members: Members, watch: Watch
    ) -> None:
        self._env, self._setting, self._figures, self._members, self._watch = env, setting, figures, members, watch

    def death(self) -> Process:
        """Once, of one member."""
        yield self._env.timeout(self._setting.death)
        yield from self._flink() if self._setting.engine == "flink" else self._group()

    def _group(self) -> Process:
        """The others take its partitions over, once it is missed and they have read its states."""
        members, setting = self._members, self._setting
        self._watch.note()
        members.lose(self._env.now)
        zones = setting.load.zones * members.lost
        yield self._env.timeout(setting.session + zones * self._figures["state_load"] / members.heirs)
        self._watch.note()
        members.take_over(self._env.now)
        yield self._env.timeout(_AWAY)
        members.restore(self._env.now)

    def _flink(self) -> Process:
        """It stops as a whole, and does the time since its checkpoint again."""
        members = self._members
        self._watch.note()
        members.stop(self._env.now)
        yield self._env.timeout(self._setting.flink_restart)
        self._watch.note()
        members.redo(_CHECKPOINT)
        self._watch.note()
        members.start(self._env.now)

    def pause(self) -> Process:
        """The group waits with every batch; Flink judges on, and its incidents wait to be paged."""
        start, length = self._setting.pause
        yield self._env.timeout(start)
        if self._setting.engine == "group":
            self._watch.note()
            self._members.stop(self._env.now)
        yield self._env.timeout(length)
        self._watch.note()
        self._members.start(self._env.now)
