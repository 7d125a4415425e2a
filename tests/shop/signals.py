"""The signals of the test shop."""

from django.dispatch import Signal

confirmed = Signal()
shipped = Signal()
returned = Signal()
aborted = Signal()
