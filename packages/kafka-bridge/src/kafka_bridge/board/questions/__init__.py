"""What the board and Grafana's dashboards ask of the store's views: each question stands here, once.

The texts are PostgreSQL with the macros and variables of ``words.py``. ``grafana-app/dashboards`` puts them into
panels as they are; ``kafka_bridge.board.ask`` puts the values of a choice in, and asks.
"""
