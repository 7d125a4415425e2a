"""Adapters to the frameworks that shops are built on, one package or module each: a mapping, and no logic about money.

Each is an extra of the package and imported only where its framework is installed.
"""
