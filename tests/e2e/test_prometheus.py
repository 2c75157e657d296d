"""The alerts for a Prometheus alone, on a real one that scrapes two real receivers, which watch real name servers."""

from __future__ import annotations

import pytest

from tests.lab.scenarios import SCENARIOS
from tests.prometheus.scraping import Scraped

SCENARIO = "all-servers-down"
ZONE = SCENARIOS[SCENARIO].zone
#: A test's minutes are seconds.
CONFIG = "{window: '8s', lag: '5s', 'for': {DnsZoneDown: '2s', DnsMonitoringDown: '2s'}}"


@pytest.mark.lab
def test_a_zone_goes_down_and_comes_back(tmp_path_factory, request):
    scraped = Scraped(tmp_path_factory.mktemp("lab"), (ZONE, "healthy.lab"), config=CONFIG)
    request.addfinalizer(scraped.stop)
    ratio = 'zone_role_server_region:dnstower_dns_failures:ratio{dnstower_server_role="authoritative"}'
    wanted = {(zone, region) for zone in (ZONE, "healthy.lab") for region in scraped.regions}

    def seen() -> bool:
        labels = [each["metric"] for each in scraped.query(ratio)]
        return {(each["dnstower_zone"], each["dnstower_probe_region"]) for each in labels} >= wanted

    scraped.wait("nothing is seen", seen)
    scraped.wait("more than the heartbeat fires", lambda: set(scraped.firing()) == {"DnstowerHeartbeat"})
    scraped.lab.break_(SCENARIO)
    scraped.wait("the zone's alert does not fire", lambda: "DnsZoneDown" in scraped.firing())
    alert = scraped.firing()["DnsZoneDown"]
    assert alert["labels"] == {"alertname": "DnsZoneDown", "severity": "critical", "dnstower_zone": ZONE}
    assert alert["annotations"]["summary"] == f"Zone {ZONE} is down"
    assert "from 2 regions" in alert["annotations"]["description"]
    scraped.lab.mend(SCENARIO)
    scraped.wait("the zone's alert stays", lambda: "DnsZoneDown" not in scraped.firing())
    scraped.silence()
    scraped.wait("nobody says that nobody looks", lambda: "DnsMonitoringDown" in scraped.firing())
