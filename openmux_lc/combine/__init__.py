"""Several answers become one: pure functions of answers."""
