"""``manage.py voucher_doctor``: check the shop's connection, one line per check."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from voucher_payment_gateway.management.doctor import Finding, examine
from voucher_payment_gateway.management.doctor.facts import facts


class Command(BaseCommand):
    """Exit code 1 on trouble, 0 otherwise: warnings and unknown states are no trouble.

    The document of ``--json`` keeps its shape: docs/reference/doctor.schema.json. Keys may be added, none changes."""

    help = (
        "Check settings, address, credentials, each right, cache, database, sealing keys and open operations. "
        "Changes nothing and shows no secret."
    )
    requires_system_checks = ()  # the command reports them itself

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")

    def handle(self, *, as_json: bool, **_: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not as_json:
                self.stdout.write(self._line(finding))
        if as_json:
            self.stdout.write(_document(findings))
        troubles = sum(finding.state == "trouble" for finding in findings)
        if troubles:
            raise CommandError(f"{troubles} of {len(findings)} checks found trouble.")

    def _line(self, finding: Finding) -> str:
        styles = {"ok": self.style.SUCCESS, "warning": self.style.WARNING, "trouble": self.style.ERROR}
        style = styles.get(finding.state, self.style.NOTICE)
        return f"{style(f'{finding.state:<9}')}  {finding.check}: {finding.text}"


def _document(findings: list[Finding]) -> str:
    trouble = any(finding.state == "trouble" for finding in findings)
    checks = [asdict(finding) for finding in findings]
    return json.dumps({"trouble": trouble, "checks": checks, "facts": facts()}, indent=2)
