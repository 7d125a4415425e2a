"""Nothing on SQLite and PostgreSQL; on MySQL and MariaDB exact comparison of text, and guards."""

from django.db import migrations

from voucher_payment_gateway.models.mysql import PrepareMySQL


class Migration(migrations.Migration):

    dependencies = [
        ('voucher_payment_gateway', '0005_staff_notices'),
    ]

    operations = [
        PrepareMySQL('VoucherPayment'),
        PrepareMySQL('VoucherSale'),
        PrepareMySQL('VoucherIdempotencyKey'),
        PrepareMySQL('VoucherOperation'),
        PrepareMySQL('VoucherDifference'),
        PrepareMySQL('VoucherGatewayState'),
        PrepareMySQL('VoucherArchivedOrder'),
        PrepareMySQL('VoucherArchivedOperation'),
        PrepareMySQL('VoucherClosedPeriod'),
        PrepareMySQL('VoucherLiability'),
        PrepareMySQL('VoucherApproval'),
        PrepareMySQL('VoucherStaffCase'),
        PrepareMySQL('VoucherStaffNotice'),
    ]
