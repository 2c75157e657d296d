"""Can mail reach who signs up? An application as it is: nothing in it knows of telemetry.

python signup.py alice@example.com bob@example.net
"""

from __future__ import annotations

import sys

import dns.exception
import dns.resolver


def deliverable(address: str, resolver: dns.resolver.Resolver) -> str:
    """What can be said of the mail servers behind an address."""
    domain = address.rpartition("@")[2]
    try:
        answer = resolver.resolve(domain, "MX")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return "no mail servers"
    except dns.exception.DNSException:
        return "try again later"
    return " ".join(sorted(record.exchange.to_text(omit_final_dot=True) for record in answer))


def main(addresses: list[str]) -> None:
    """Print a line an address."""
    resolver = dns.resolver.Resolver()
    resolver.lifetime = 2
    for address in addresses:
        print(f"{address}: {deliverable(address, resolver)}")


if __name__ == "__main__":
    main(sys.argv[1:])
