"""Where observations come from besides probing: one folder or file a kind, each behind the same small contract.

A kind of source is a frozen msgspec Struct whose fields are its keys in ``receiver.yaml`` and which has
one coroutine, ``run(context)``. The entry-point group ``dnstower.sources`` names it.
"""

from .contract import Context, Source
from .kinds import kinds, load

__all__ = ["Context", "Source", "kinds", "load"]
