"""The measurement: plan, worker processes, stopwatch, rounds, machine record and store.

The only room that starts processes, and within it only ``stopwatch`` reads a clock.
"""
