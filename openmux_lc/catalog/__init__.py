"""What exists and what is free: rows of data, and the pure questions asked of them.

`catalog.load_catalog(settings)` reads them; `free.evidence` is the one free check.
"""
