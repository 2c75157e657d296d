"""What goes into HTTP's ``Authorization``."""

from __future__ import annotations

import base64


def basic(username: str, password: str) -> str:
    """A login (RFC 7617 §2), in UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
