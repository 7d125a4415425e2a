"""A backup of the gateway's rows, and what a test needs to see of a database that was put back."""

from django.db import connection

from voucher_payment_gateway.models import VoucherIdempotencyKey, VoucherOperation, VoucherPayment

MODELS = (VoucherIdempotencyKey, VoucherPayment, VoucherOperation)


class Backup:
    """All rows of the gateway as they are now, to be put back later."""

    def __init__(self):
        self.rows = {model: list(model.objects.order_by("pk")) for model in MODELS}

    def put_back(self):
        with connection.cursor() as cursor:
            for model in reversed(MODELS):
                cursor.execute(f"DELETE FROM {model._meta.db_table}")
        for model in MODELS:
            if created := [
                field.name for field in model._meta.fields if getattr(field, "auto_now_add", False)
            ]:
                kept = [{name: getattr(row, name) for name in created} for row in self.rows[model]]
            model.objects.bulk_create(self.rows[model])
            for row, instants in zip(self.rows[model], kept, strict=True):
                model.objects.filter(pk=row.pk).update(**instants)


def last_operation():
    return VoucherOperation.objects.latest("pk")


def state():
    return last_operation().state, last_operation().error_code
