"""What `up` reports at its end: every zone as it was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from kafka_bridge.store.pool import Pool


class Summary(Struct, frozen=True, kw_only=True):
    """One object: zones, regions, observations, health, incidents."""

    zones: tuple[str, ...]
    regions: tuple[str, ...]
    observations: int
    health: dict[str, dict[str, Any]]
    incidents: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    """What has not been judged yet."""
    seconds: float

    @property
    def firing(self) -> bool:
        """Whether an incident is firing."""
        return any(incident["state"] == "firing" for incident in self.incidents)


def summarize(pool: Pool, regions: tuple[str, ...], seconds: float) -> Summary:
    """Read the state of everything from the store."""
    with pool.connection() as connection:
        rows = connection.execute(
            "select zone, owner, status, score, reasons, agreement, dnssec, regions, p50, p95, questions "
            "from v_zone_overview order by zone"
        ).fetchall()
        incidents = connection.execute("select body from incident where state = 'firing' order by since").fetchall()
        (observations,) = connection.execute(
            "select coalesce(sum(total), 0)::bigint from v_zone_minute"
        ).fetchone() or (0,)
    health = {
        zone: {
            "owner": owner, "status": status, "score": score, "reasons": reasons or [], "agreement": agreement,
            "dnssec": dnssec, "regions": seen or {}, "p50": p50, "p95": p95, "observations": questions or 0,
        }
        for zone, owner, status, score, reasons, agreement, dnssec, seen, p50, p95, questions in rows
    }  # fmt: skip
    missing = []
    for zone, entry in health.items():
        unseen = [region for region in regions if entry["regions"].get(region, "unknown") == "unknown"]
        if entry["status"] == "unknown":
            missing.append(f"{zone} was not judged")
        elif unseen:
            missing.append(f"{zone} was not seen from {', '.join(unseen)}")
    return Summary(
        zones=tuple(health),
        regions=regions,
        observations=observations,
        health=health,
        incidents=tuple(row[0] for row in incidents),
        missing=tuple(missing),
        seconds=round(seconds, 1),
    )


def table(summary: Summary) -> str:
    """The summary for people."""
    head = ("zone", "status", "score", "regions", "agreement", "dnssec", "p95", "observations", "owner")
    rows = [head]
    for zone, entry in summary.health.items():
        ok = sum(state == "ok" for state in entry["regions"].values())
        rows.append(
            (
                zone,
                entry["status"],
                str(entry["score"] if entry["score"] is not None else "-"),
                f"{ok}/{len(summary.regions)}",
                "-" if entry["agreement"] is None else f"{entry['agreement']:.0%}",
                entry["dnssec"] or "-",
                "-" if entry["p95"] is None else f"{entry['p95'] * 1000:.1f} ms",
                str(entry["observations"]),
                entry["owner"],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [
        f"{incident['state']} {incident['severity']}: {incident['title']} (owner {incident['owner']})"
        for incident in summary.incidents
    ]
    lines.append(
        f"{len(summary.zones)} zones, {len(summary.regions)} regions, {summary.observations} observations, "
        f"{len(summary.incidents)} incidents firing, {summary.seconds:.0f} s"
    )
    return "\n".join(lines)
