"""The faults of an older system, one by one, in the words of the protocol sheet (8.3 to 8.12), each with its test.

A name begins with the section that tells of the fault; the test is named after the right rule.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.seed.samples import SEED

SHEET = SEED.with_name("coinbase-protocol.md")
HERE = Path(__file__).parent

#: What the sheet says of the fault -> the test. The quotes of a section stand in its order.
FAULTS = {
    "limit_limit_ioc key": "test_8_3_a_limit_ioc_is_sent_under_the_key_that_the_exchange_knows",
    "extra top-level `type,size,price,reduce_only,post_only`": "test_8_3_an_order_has_nothing_beside_its_configuration",
    "leverage as int": "test_8_3_leverage_is_sent_as_text",
    "post_only not inside the configuration": "test_8_3_post_only_stands_inside_the_configuration",
    "stop_direction missing": "test_8_3_a_stop_says_its_direction",
    "GTD squeezed in": "test_8_3_an_order_with_an_end_has_a_key_of_its_own",
    "`level=` on product_book": "test_8_3_a_book_is_asked_for_by_limit",
    "ISO candle times": "test_8_3_candles_are_asked_for_in_unix_seconds",
    "wrong paths": "test_8_3_every_request_goes_to_the_path_that_the_exchange_serves",
    "plural `channels`": "test_8_3_a_subscribe_names_one_channel_and_its_token_names_no_path",
    "flat-message parsing": "test_8_3_a_frame_is_read_event_by_event",
    'WS jwt built with uri "GET /users/self"': "test_8_3_a_subscribe_names_one_channel_and_its_token_names_no_path",
    "to_product reads contract_type": "test_8_3_a_product_is_read_from_the_fields_that_the_exchange_fills",
    "position side from an unsigned quantity": "test_8_3_the_side_of_a_position_is_the_exchanges_word",
    "HMAC base64 for both modes": "test_8_3_each_mode_has_its_own_way_to_sign",
    "client ids `perps_<12 hex>`": "test_8_3_an_orders_id_follows_from_its_cause_and_is_a_uuid",
    "notional leaves out contract_size": "test_8_4_a_notional_counts_the_contract_size",
    "a floored sell limit is more aggressive than asked": "test_8_4_a_sell_limit_is_rounded_up_and_a_buy_limit_down",
    "market orders skip min notional": "test_8_4_a_market_order_is_held_to_the_least_notional_at_the_mark",
    "negative quantities are not refused": "test_8_4_a_quantity_that_is_not_above_zero_is_refused",
    "utcnow, naive": "test_8_5_ages_are_by_a_given_clock_and_a_time_without_a_zone_is_refused",
    "opened before the first boundary never pays": "test_8_6_a_position_pays_the_first_boundary_after_it_was_opened",
    "nothing ever accrues": "test_8_6_each_boundary_is_paid_once_whatever_time_the_exchange_shows",
    "pays the last boundary before it existed": "test_8_6_each_boundary_is_paid_once_whatever_time_the_exchange_shows",
    "three missed hours give one accrual": "test_8_6_three_missed_hours_are_three_entries_with_their_own_marks",
    "entry is stale while flat": "test_8_7_a_flat_position_has_neither_side_nor_entry",
    "missing mark looks like zero pnl": "test_8_7_without_a_mark_the_open_gain_is_unknown_and_never_zero",
    "contract_size never counted": "test_8_7_results_count_the_contract_size",
    "double count if summed": "test_8_7_fees_and_funding_stand_apart_from_realized_and_are_counted_once",
    "malformed maps are silently ignored": "test_8_8_a_malformed_limit_is_an_error_and_never_no_limit",
    "7 compares price with itself": "test_8_9_an_order_is_held_to_the_mark_and_not_to_its_own_price",
    "3-6 ignore the position already held": "test_8_9_what_is_held_already_counts",
    "reducing orders are held to increase limits": "test_8_9_what_reduces_is_held_to_no_limit_on_increases",
    "lets an oversize order flip": "test_8_9_an_order_past_the_position_does_not_flip_it_in_reduce_only_mode",
    "per-symbol reduce_only flag (8.10) is never read": "test_8_9_reduce_only_for_one_product_binds_that_product",
    "resting orders not counted": "test_8_9_what_rests_counts",
    "contract_size ignored; no check": "test_8_9_the_contract_size_counts",
    "no check of qty > 0": "test_8_9_a_size_that_is_none_is_refused",
    "equity age or mark age": "test_8_9_nothing_increases_on_a_stale_mark_or_an_unknown_equity",
    "sums are since start of the process": "test_8_10_the_days_loss_is_of_the_day_and_rolls_at_midnight_utc",
    "a restart forgets; fires again each call": "test_8_10_a_loss_survives_a_restart_and_is_said_once",
    'liquidation_price "0"': "test_8_10_a_liquidation_price_of_zero_is_none_and_no_safe_distance",
    "fail-open": "test_8_10_a_mark_that_was_never_seen_is_stale",
    "annualizes whatever bar as if daily": "test_8_10_volatility_is_a_year_of_the_samples_it_is_made_of",
    "trailing stop is not watched in this mode": "test_8_11_exit_only_mode_still_watches_the_trailing_stop",
    "never true, so confirmation disables trading": "test_8_11_confirmation_bars_come_after_the_cross",
    "not at entry price": "test_8_11_the_trailing_stop_begins_at_the_true_entry",
    "an unfilled or rejected close forgets the peak": "test_8_11_a_close_that_does_not_fill_forgets_no_peak",
    "process restart loses it": "test_8_11_a_restart_keeps_the_peak",
    "keyed by symbol only": "test_8_11_a_new_position_in_the_same_product_has_a_new_peak",
    "cap applied before leverage": "test_8_11_a_cap_in_money_holds_after_leverage",
    "payload keys overwrite type and bot_id": "test_8_12_no_field_of_an_event_overwrites_the_kind_of_its_row",
    "no sequence, version or causation ids": "test_8_12_every_record_has_its_place_its_cause_and_its_version",
    "Decimal as bare strings": "test_8_12_decimals_are_text_and_come_back_digit_by_digit_as_decimals",
    "corrupt lines silently skipped": "test_8_12_a_corrupt_line_is_damage_and_never_skipped",
    "IO errors -> []": "test_8_12_a_log_that_cannot_be_read_is_an_error_and_not_an_empty_answer",
    "no fsync": "test_8_12_what_is_acknowledged_was_synced",
    "reads the whole file per query": "test_8_12_the_last_rows_are_read_from_the_end_whatever_lies_before",
    "context of append_error may overwrite too": "test_8_12_the_words_of_an_error_overwrite_nothing",
}

_MARK = re.compile(r"\*\*Bugs?\*\*")


def named_here() -> set[str]:
    """Every test function of the modules beside this one."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sorted(HERE.glob("test_older_faults_*.py")))
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def sections() -> dict[str, str]:
    """Sections 8.3 to 8.12 of the sheet by number, each on one line."""
    text = re.sub(r"\s+", " ", SHEET.read_text(encoding="utf-8"))
    parts = re.split(r" ### (8\.\d+) ", text)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {f"8.{number}": found[f"8.{number}"] for number in range(3, 13)}


def test_every_fault_has_its_test() -> None:
    assert set(FAULTS.values()) <= named_here()


@pytest.mark.skipif(not SHEET.is_file(), reason=f"the protocol sheet is not found at {SHEET}")
def test_no_fault_that_the_sheet_names_is_left_out() -> None:
    told = sections()
    for quote, name in FAULTS.items():
        section = ".".join(name.split("_")[1:3])
        assert quote in told[section], (section, quote)
    for section, text in told.items():
        quotes = [quote for quote, name in FAULTS.items() if name.startswith(f"test_{section.replace('.', '_')}_")]
        assert quotes, section
        for mark in _MARK.finditer(text):  # a mark stands before its fault, or right behind it in brackets
            around = text[max(mark.start() - 90, 0) : mark.end() + 260]
            assert any(quote in around for quote in quotes), (section, around)
