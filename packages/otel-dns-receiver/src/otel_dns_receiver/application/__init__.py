"""Lookups that applications make: instrumentation of dnspython and of ``socket.getaddrinfo``.

``opentelemetry-instrument`` finds both by their entry points. Nothing here changes what an application gets: results
and exceptions are the original's own, and a failure of telemetry is logged and goes no further.
"""
