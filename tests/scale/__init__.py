"""The capacity model and the simulated week."""
