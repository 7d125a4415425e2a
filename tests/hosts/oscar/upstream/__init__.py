"""Oscar's own tests, run without the adapter and with it: ``python -m tests.hosts.oscar.upstream FOLDER``."""
