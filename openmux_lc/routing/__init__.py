"""Which route should answer: classify, filter, score, plan, and the next step.

Every function here is pure: values in, values out, the clock passed in. Import from
the submodules; this package re-exports nothing.
"""
