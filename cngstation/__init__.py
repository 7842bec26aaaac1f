"""The product without a process or a screen: rules, protocols, storage, services."""

__version__ = "0.1.0"
