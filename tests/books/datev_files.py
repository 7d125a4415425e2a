"""Accounts of a shop, and what a DATEV file says of them."""

import csv
from collections import defaultdict
from decimal import Decimal as D

__all__ = ["ACCOUNTS", "account_sums", "parsed"]

ACCOUNTS = {
    "consultant": 29098,
    "client": 55003,
    "chart": "04",
    "liability": "3272",
    "clearing": "1370",
    "revenue": {"19": "4400", "7": "4300"},
}


def parsed(lines):
    """Return the bookings of a file by the names of the columns."""
    _, names, *records = csv.reader(lines, delimiter=";")
    return [dict(zip(names, record, strict=True)) for record in records if record]


def account_sums(bookings):
    """Return debit less credit of each account."""
    sums = defaultdict(D)
    for booking in bookings:
        amount = D(booking["Umsatz (ohne Soll/Haben-Kz)"].replace(",", "."))
        amount = amount if booking["Soll/Haben-Kennzeichen"] == "S" else -amount
        sums[booking["Konto"]] += amount
        sums[booking["Gegenkonto (ohne BU-Schlüssel)"]] -= amount
    return sums
