"""What is remembered between calls: quotas, health, statistics and the run log.

`Ledger` in `openmux_lc.ledger.ledger` is the only name that others need. Quota,
health and statistics are pure functions of values and a clock; only stores act.
"""
