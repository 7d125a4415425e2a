"""Modules that fail while they are imported, each in its own way."""
