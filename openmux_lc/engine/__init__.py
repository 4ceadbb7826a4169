"""The engine: plan, call in waves, fail over, account. Knows no framework."""
