"""The books: what vouchers sold, paid and still owe, for accountants. It reads the ledger, and moves no money."""
