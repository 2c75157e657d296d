"""How the bridge itself is: what it says to orchestrators, to metrics, and to people."""
