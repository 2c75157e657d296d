"""From a load to machines, partitions, bytes and cores, and to what breaks first. Pure: figures in, figures out.

What was measured comes as `Coefficients`; what is assumed stands in `Ground`, and can be set. Everything but the
correlation of faults grows in a straight line with the zones, and what was measured on few is drawn on.
"""
