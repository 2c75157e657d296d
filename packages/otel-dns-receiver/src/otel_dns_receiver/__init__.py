"""The DNS edge: asks name servers, and emits what it sees as OpenTelemetry metrics and logs.

As a library, `ask` puts one question and `Telemetry` records events on the OpenTelemetry API::

    observation = await ask(Question("example.com", "www.example.com", "A", Target("192.0.2.53"), "recursive"),
                            Probe(id="app-1"), timeout=2.0)
    Telemetry().record(observation)
"""

from .ask import ask, observe
from .errors import ConfigError, DiscoveryError, ReceiverError
from .probing import Prober
from .question import Question, Target
from .telemetry import Telemetry
from .version import __version__

__all__ = [
    "ConfigError",
    "DiscoveryError",
    "Prober",
    "Question",
    "ReceiverError",
    "Target",
    "Telemetry",
    "__version__",
    "ask",
    "observe",
]
