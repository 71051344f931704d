"""What a check found: its verdict in a word, the fact in a sentence, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from scripts.cli.exits import Exit


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"  # trading is possible; somebody should know
    FAILED = "failed"
    SKIPPED = "skipped"  # it could not be looked at, or need not be


class Finding(msgspec.Struct, frozen=True):
    """`code` is what the command ends with when this is its gravest fault."""

    check: str
    verdict: Verdict
    says: str
    remedy: str = ""
    code: Exit = Exit.OK


#: The gravest first: without a configuration nothing else means much.
GRAVITY = (Exit.CONFIGURATION, Exit.INTEGRITY, Exit.EXCHANGE, Exit.HALTED, Exit.ERROR)


def ok(check: str, says: str) -> Finding:
    return Finding(check, Verdict.OK, says)


def warning(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, Verdict.WARNING, says, remedy)


def failed(check: str, says: str, remedy: str, code: Exit) -> Finding:
    return Finding(check, Verdict.FAILED, says, remedy, code)


def skipped(check: str, says: str) -> Finding:
    return Finding(check, Verdict.SKIPPED, says)


def gravest(findings: list[Finding]) -> Exit:
    """The exit code of them all: 0 when none failed."""
    codes = {finding.code for finding in findings if finding.verdict is Verdict.FAILED}
    return next((code for code in GRAVITY if code in codes), Exit.OK)
