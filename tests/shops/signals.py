"""The events of the shops."""

from django.dispatch import Signal

confirmed = Signal()
shipped = Signal()
returned = Signal()
aborted = Signal()
