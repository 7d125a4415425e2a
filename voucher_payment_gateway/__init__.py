"""Gift vouchers as a means of payment for any Django shop, held in JTL-Voucher Cloud."""

__version__ = "0.1.0"
