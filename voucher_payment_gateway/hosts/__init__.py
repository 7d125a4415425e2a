"""Adapters to shop frameworks. Each is imported only by a project that names it: importing this imports no host."""
