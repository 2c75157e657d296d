"""What is brought into a Grafana by its API (extra ``grafana``): the one room here that talks to a server."""
