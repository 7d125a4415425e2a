"""Vouchers by the hundred: a file of what to issue, and a file of the codes."""
