"""Engines on this machine: found, recognised, and one that comes with the package.

Probing touches loopback only, unless the user named another address.
"""
