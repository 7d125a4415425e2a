"""A minimal but complete Oscar shop that takes gift vouchers."""
