"""A week of many zones, simulated event by event: what queues up, how late incidents are, and how many page.

Between two events all rates are steady, and each member's queue is known without a look at every message: it is long
by what came and was not done. So an event here is what changes a rate (the hour of the day, a fault, a death, a pause)
or a turn of the correlation, and a week takes seconds.
"""
