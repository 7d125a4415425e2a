"""The order of another app, which nobody here may change: its amounts are in cents, its number has two parts."""

from django.db import models


class Sale(models.Model):
    branch = models.IntegerField()
    serial = models.IntegerField()
    cents = models.IntegerField()
    state = models.CharField(
        max_length=10,
        default="open",
        choices=[(state, state) for state in ("open", "confirmed", "sent", "returned", "void")],
    )

    class Meta:
        constraints = (models.UniqueConstraint(name="sale_serial_of_branch", fields=("branch", "serial")),)

    def __str__(self) -> str:
        return f"{self.branch}-{self.serial}"
