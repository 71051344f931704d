"""Which tests concern which module. A change of the module must make one of them fail."""

from __future__ import annotations

from pathlib import Path

_RISK = (
    "tests/actors/test_risk_answers.py",
    "tests/actors/test_risk_guards.py",
    "tests/actors/test_risk_behaviour.py",
    "tests/actors/test_risk_halts.py",
    "tests/actors/test_risk_turbulence.py",
)
_ORDERS = (
    "tests/projections/test_orders.py",
    "tests/projections/test_what_stays_known_of_orders.py",
    "tests/projections/test_orders_told.py",
    "tests/projections/test_lists_read.py",
    "tests/projections/test_confirmation.py",
    "tests/laws/test_confirmed_fills.py",
    "tests/actors/test_orders_behaviour.py",
    "tests/laws/test_orders_laws.py",
    "tests/laws/test_delivered_twice.py",
    "tests/actors/test_making_way.py",
    "tests/actors/test_netting.py",
    "tests/actors/test_protection.py",
)
_LISTS = (
    "tests/projections/test_confirmation.py",
    "tests/projections/test_lists_read.py",
    "tests/projections/test_what_stays_known_of_orders.py",
    "tests/laws/test_confirmed_fills.py",
)
_MONEY = (
    "tests/projections/test_portfolio.py",
    "tests/actors/test_position_behaviour.py",
    "tests/laws/test_ledger_identity.py",
)
_EXPOSURE = "tests/projections/test_exposure.py"
_STRATEGY = ("tests/actors/test_strategy_behaviour.py", "tests/actors/test_baseline.py")

#: Module -> test files, the closest first. A module that is not named has the tests of all.
CLOSEST: dict[str, tuple[str, ...]] = {
    "projections/returns.py": ("tests/projections/test_returns.py", "tests/actors/test_risk_turbulence.py"),
    "projections/turbulence.py": ("tests/actors/test_risk_turbulence.py", "tests/actors/brokerage/test_live_risk.py"),
    "projections/hours.py": ("tests/projections/test_hours.py", "tests/actors/test_risk_halts.py"),
    "projections/halts.py": ("tests/actors/test_risk_halts.py",),
    "projections/exposure.py": (_EXPOSURE, *_RISK),
    "projections/bounds.py": ("tests/projections/test_bounds.py", _EXPOSURE, "tests/actors/test_risk_behaviour.py"),
    "projections/limits.py": ("tests/projections/test_limits.py", *_RISK),
    "projections/limit_rules.py": ("tests/projections/test_limits.py", "tests/actors/test_operator.py"),
    "projections/checks/any_order.py": _RISK,
    "projections/checks/gate.py": (*_RISK, "tests/actors/test_protection.py"),
    "projections/checks/increase.py": _RISK,
    "projections/daily_loss.py": _RISK,
    "projections/liquidation.py": _RISK,
    "projections/account.py": ("tests/projections/test_account.py", _EXPOSURE, *_RISK),
    "projections/attribution.py": ("tests/projections/test_virtual.py", "tests/actors/test_netting.py"),
    "projections/confirmation.py": ("tests/projections/test_confirmation.py", "tests/projections/test_lists_read.py"),
    "projections/crossing.py": ("tests/actors/test_making_way.py", *_RISK),
    "projections/earnings.py": ("tests/projections/test_earnings.py",),
    "projections/fills_list.py": _LISTS,
    "projections/flows.py": ("tests/projections/test_flows.py", "tests/actors/test_cash_behaviour.py"),
    "projections/inference.py": ("tests/projections/test_inference.py", "tests/actors/test_cash_behaviour.py"),
    "projections/kill.py": ("tests/projections/test_kill.py", *_RISK),
    "projections/fitting.py": (
        "tests/projections/test_fitting.py",
        "tests/actors/test_orders_behaviour.py",
        "tests/actors/test_making_way.py",
    ),
    "projections/margin.py": ("tests/projections/test_margin.py",),
    "projections/sight.py": ("tests/projections/test_sight.py", *_RISK),
    "projections/cancels.py": ("tests/projections/test_cancels.py", *_RISK, *_ORDERS),
    "projections/exits.py": ("tests/projections/test_exits.py", _EXPOSURE, *_RISK, *_STRATEGY),
    "projections/pricing.py": (_EXPOSURE, *_RISK),
    "projections/sizing.py": ("tests/projections/test_sizing.py", _EXPOSURE, *_RISK),
    "projections/watch.py": ("tests/projections/test_watch.py", *_STRATEGY, "tests/actors/test_netting.py"),
    "projections/touch.py": ("tests/projections/test_touch.py", "tests/actors/test_marks_behaviour.py"),
    "projections/marks.py": ("tests/projections/test_marks.py", "tests/actors/test_marks_behaviour.py"),
    "projections/book.py": ("tests/projections/test_book.py", "tests/projections/test_touch.py"),
    "projections/notional.py": ("tests/projections/test_notional.py", _EXPOSURE),
    "projections/order.py": _ORDERS,
    "projections/orders.py": _ORDERS,
    "projections/positions.py": ("tests/projections/test_positions.py", *_MONEY),
    "projections/portfolio.py": _MONEY,
    "projections/pnl.py": _MONEY,
    "projections/funding.py": (
        "tests/projections/test_funding.py",
        "tests/actors/test_funding_behaviour.py",
        "tests/laws/test_funding_laws.py",
    ),
    "projections/boundaries.py": ("tests/projections/test_boundaries.py", "tests/actors/test_funding_behaviour.py"),
    "projections/reconciliation.py": ("tests/projections/test_reconciliation.py", *_MONEY),
    "projections/catalog.py": ("tests/projections/test_catalog.py", "tests/actors/test_catalog_behaviour.py"),
    "projections/liquidity.py": ("tests/projections/test_liquidity.py", "tests/projections/test_matching.py"),
    "projections/matching.py": ("tests/projections/test_matching.py", "tests/laws/test_matching_laws.py"),
    "projections/parts.py": ("tests/projections/test_parts.py",),
    "projections/triggers.py": ("tests/projections/test_triggers.py",),
    "projections/settlements.py": ("tests/projections/test_settlements.py",),
    "projections/sightings.py": ("tests/projections/test_sightings.py",),
    "projections/virtual.py": (
        "tests/projections/test_virtual.py",
        "tests/projections/test_virtual_parts.py",
        "tests/actors/test_netting.py",
    ),
    "projections/ownership.py": ("tests/projections/test_ownership.py", "tests/actors/test_netting.py"),
    "projections/resting.py": ("tests/projections/test_matching.py", "tests/laws/test_matching_laws.py"),
    "actors/behaviours/risk.py": _RISK,
    "actors/behaviours/risk_state.py": _RISK,
    "actors/behaviours/risk_guards.py": _RISK,
}

_ALL = ("tests/projections", *_RISK, *_ORDERS, *_MONEY, *_STRATEGY)
_ROOT = Path(__file__).parents[2]


def modules() -> list[str]:
    """Every module that is mutated: the projections, and risk."""
    found = [*sorted((_ROOT / "projections").rglob("*.py")), *sorted((_ROOT / "actors/behaviours").glob("risk*.py"))]
    return [path.relative_to(_ROOT).as_posix() for path in found if path.name != "__init__.py"]


def concerned(module: str) -> tuple[str, ...]:
    """The tests that concern a module."""
    return CLOSEST.get(module, _ALL)
