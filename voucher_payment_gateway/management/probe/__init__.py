"""Experiments that find out how the API behaves where its documentation is silent.

They run only against the vendor's sandbox host or the local Voucher Cloud, on small vouchers of their own, and undo
what they did.
"""

import secrets
from collections.abc import Iterator

from voucher_payment_gateway.api.diagnostics import RecordingTransport, Transport
from voucher_payment_gateway.conf import GatewaySettings
from voucher_payment_gateway.connection import new_client
from voucher_payment_gateway.exceptions import VoucherGatewayError
from voucher_payment_gateway.management.probe.cleanup import Cleanup
from voucher_payment_gateway.management.probe.experiments import EXPERIMENTS
from voucher_payment_gateway.management.probe.findings import Experiment, Finding, failure_text
from voucher_payment_gateway.management.probe.other_experiments import OTHER_EXPERIMENTS
from voucher_payment_gateway.management.probe.refusals import refusals
from voucher_payment_gateway.management.probe.session import Session, TimeSource
from voucher_payment_gateway.management.sandbox_only import SandboxOnlyError, require_sandbox

__all__ = ["Finding", "Probe", "SandboxOnlyError", "TimeSource"]


class Probe:
    """One run. ``findings`` may be iterated once; it cleans up after each experiment, also when it ends early.

    Raises SandboxOnlyError where the settings name another host.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        transport: Transport | None = None,
        time_source: TimeSource | None = None,
    ) -> None:
        require_sandbox(settings, "The probe")
        self.run = secrets.token_hex(4)
        self._recorder = RecordingTransport(transport)
        self._cloud = new_client(settings, transport=self._recorder, error_meanings=None)
        self._session = Session(self._cloud, self._recorder, time_source or TimeSource(), self.run)
        self._cleanup = Cleanup(self._session)

    @property
    def batch(self) -> str:
        """The batch of every voucher of this run, by which people find them."""
        return self._session.batch

    @property
    def kept(self) -> int:
        """How many inactive vouchers stay: vouchers with bookings cannot be deleted."""
        return self._session.kept

    @property
    def left_behind(self) -> list[str]:
        """One sentence for each thing that could not be undone."""
        return self._session.left_behind

    def findings(self) -> Iterator[Finding]:
        """Yield a finding as each experiment ends. Raises VoucherGatewayError if no token is granted."""
        with self._cloud:
            self._cloud.authenticate()
            for name, experiment in EXPERIMENTS.items():
                yield self._finding(name, experiment, is_behaviour=True)
            yield self._post_status()
            for name, experiment in OTHER_EXPERIMENTS.items():
                yield self._finding(name, experiment)
            try:
                for finding in refusals(self._session):
                    self._cleanup.run()
                    yield finding
            except (VoucherGatewayError, ValueError) as error:
                yield Finding("API error codes", None, failure_text(error))
            finally:
                self._cleanup.run()

    def _finding(self, name: str, experiment: Experiment, *, is_behaviour: bool = False) -> Finding:
        try:
            value, text = experiment(self._session)
        except (VoucherGatewayError, ValueError) as error:
            value, text = None, failure_text(error)
        finally:
            self._cleanup.run()
        return Finding(name, value, text, is_behaviour)

    def _post_status(self) -> Finding:
        seen = sorted(self._recorder.post_statuses)
        value = seen[0] if len(seen) == 1 else None
        text = f"seen in answers to POST: {', '.join(map(str, seen)) or 'none'}"
        return Finding("post_status", value, text, is_behaviour=True)
