"""Values that every layer shares: rows and routes, requests and answers, state.

Only frozen values live here, never behaviour with side effects. Import from the
submodules; this package re-exports nothing, so that importing one costs one.
"""
