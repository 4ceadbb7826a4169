"""The package's version, in one place for hatchling and for `openmux_lc.__version__`."""

__version__ = "0.1.0"
