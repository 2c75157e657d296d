from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from grafana_standin import Grafana, served


@pytest.fixture
def server():
    grafana = Grafana()
    listener = served(grafana)
    yield grafana
    listener.shutdown()
    listener.server_close()
