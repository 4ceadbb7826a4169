"""Adapters: whatever speaks to a provider, one wire and a few dialects.

A dialect is pure (`Ask` out, `Reply` in); `wire.py` alone does the sending.
"""
