"""What a shop does with its vouchers: each scenario is played with a crash at every point that it passes."""

from tests.proofs.crash.fallback_scenarios import FALLBACK_SCENARIOS
from tests.proofs.crash.open_scenarios import OPEN_SCENARIOS
from tests.proofs.crash.payment_scenarios import PAYMENT_SCENARIOS
from tests.proofs.crash.sale_scenarios import SALE_SCENARIOS

__all__ = ["SCENARIOS"]

SCENARIOS = {**PAYMENT_SCENARIOS, **OPEN_SCENARIOS, **SALE_SCENARIOS, **FALLBACK_SCENARIOS}
