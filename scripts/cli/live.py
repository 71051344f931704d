"""The commands that run something, prove something, or say something to a running system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scripts.cli.options import AsJson, Config, Log

RUN = "Run"
PROVE = "Prove"
OPERATE = "Operate"

Tape = Annotated[
    Path | None, typer.Option("--tape", help="A recorded tape; without it a market is generated.", show_default=False)
]
Seed = Annotated[int, typer.Option("--seed", help="Of the generated market.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")]


def register(app: typer.Typer) -> None:
    for panel, commands in (
        (RUN, (run, demo, exchange, backtest, doctor)),
        (PROVE, (verify, audit)),
        (OPERATE, (kill, resume, close, stop, flow, limit)),
    ):
        for command in commands:
            app.command(rich_help_panel=panel)(command)
    app.command("test-strategy", rich_help_panel=PROVE)(try_strategy)
    app.command("reduce-only", rich_help_panel=OPERATE)(reduce_only)


def run(
    config: Config = None,
    live: Annotated[bool, typer.Option("--live", help="Send real orders; the file must say so too.")] = False,
    capture: Annotated[
        Path | None,
        typer.Option("--capture", help="Keep the feeds' frames as received in this folder.", show_default=False),
    ] = None,
) -> None:
    """Trade on a configuration file: paper by default, real orders with --live."""
    from actors.settings import DEFAULT_FILE
    from scripts.cli.exits import CommandFailed, Exit
    from scripts.cli.running import run as run_system
    from scripts.cli.running import settings_from, tell_stderr

    ended = run_system(settings_from(config or Path(DEFAULT_FILE), live=live, capture=capture), tell_stderr)
    if ended.halted_by:
        raise CommandFailed(
            f"risk had halted trading when the session ended: {'; '.join(ended.halted_by)}", Exit.HALTED
        )


def demo(
    seconds: Annotated[float | None, typer.Option("--seconds", help="End after so long.", min=1.0)] = None,
    tape: Tape = None,
    speed: Annotated[str, typer.Option("--speed", help="Times real time, or max.")] = "30",
    seed: Seed = 1,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Go on in this folder; a new one by default.", show_default=False)
    ] = None,
    hosting: Annotated[str, typer.Option("--hosting", help="actors, shared or turn.")] = "actors",
    as_json: AsJson = False,
) -> None:
    """Trade a market on the local exchange, live and in full, then verify the log."""
    from scripts.cli.demo import run_demo

    run_demo(seconds, tape, speed, seed, data_dir, hosting, as_json=as_json)


def exchange(
    tape: Tape = None,
    seed: Seed = 1,
    speed: Annotated[str, typer.Option("--speed", help="Times real time, or max.")] = "1",
    port: Annotated[int, typer.Option("--port", help="0 is any free one.", min=0, max=65_535)] = 0,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="For the key file; a temporary folder by default.")
    ] = None,
    start: Annotated[str, typer.Option("--start", help="What sets the tape going: subscribe, resume or now.")] = (
        "subscribe"
    ),
    start_cash: Annotated[str | None, typer.Option("--start-cash", help="Cash of the futures account, USD.")] = None,
    spot_cash: Annotated[str | None, typer.Option("--spot-cash", help="Cash in the spot wallet, USD.")] = None,
    maker_rate: Annotated[str | None, typer.Option("--maker-rate", help="Fee, as a fraction of notional.")] = None,
    taker_rate: Annotated[str | None, typer.Option("--taker-rate", help="Fee, as a fraction of notional.")] = None,
    fee_per_contract: Annotated[str | None, typer.Option("--fee-per-contract", help="Fee, USD.")] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="A JSON object of the exchange's rules.")] = None,
    settings: Annotated[Path | None, typer.Option("--settings", help="A JSON object of switches.")] = None,
    faults: Annotated[Path | None, typer.Option("--faults", help="A JSON list of what is to go wrong.")] = None,
    friday_halt: Annotated[bool, typer.Option("--friday-halt", help="No orders on Fridays, 17 to 18 in New York.")] = (
        False
    ),
    ed25519: Annotated[bool, typer.Option("--ed25519", help="The key signs EdDSA instead of ES256.")] = False,
    may_transfer: Annotated[bool, typer.Option("--may-transfer", help="The key may move money.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https and wss with an authority of its own.")] = False,
) -> None:
    """Serve a tape as an exchange on loopback: Coinbase's REST, WebSocket and keys."""
    from scripts.cli.serving import Wanted, serve_exchange

    serve_exchange(
        Wanted(
            tape=tape,
            seed=seed,
            speed=speed,
            port=port,
            folder=data_dir,
            tls=tls,
            start=start,
            ed25519=ed25519,
            may_transfer=may_transfer,
            friday_halt=friday_halt,
            start_cash=start_cash,
            spot_cash=spot_cash,
            maker_rate=maker_rate,
            taker_rate=taker_rate,
            fee_per_contract=fee_per_contract,
            rules=rules,
            settings=settings,
            faults=faults,
        )
    )


def backtest(
    tape: Annotated[Path | None, typer.Argument(help="A recorded tape; without it a market is generated.")] = None,
    config: Config = None,
    seed: Seed = 1,
    seconds: Annotated[int, typer.Option("--seconds", help="Length of a generated market.", min=1)] = 3600,
    out: Annotated[
        Path | None, typer.Option("--out", help="Keep the session's log in this folder.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the behaviours over a tape directly; fills are simulated by the paper exchange's rules."""
    from scripts.cli.backtesting import run_backtest

    run_backtest(tape, config, seed, seconds, out, as_json=as_json)


def doctor(
    config: Config = None,
    allow_transfer: Annotated[
        bool, typer.Option("--allow-transfer", help="Accept a key that can move money off the account.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at all that a start needs (clock, key, products, feeds, disk, log, limits); 0 means ready to trade."""
    from scripts.cli.doctor import run_doctor

    run_doctor(config, allow_transfer=allow_transfer, as_json=as_json)


def verify(log: Log = None, config: Config = None, as_json: AsJson = False) -> None:
    """Prove a log: chain, gaps, every decision derived again, every send against its intent."""
    from scripts.cli.proving import run_verify

    run_verify(log, config, as_json=as_json)


def audit(log: Log = None, config: Config = None, as_json: AsJson = False) -> None:
    """Recompute profit, fees and funding of a log in SQL, and compare them with the projections to the last digit."""
    from scripts.cli.auditing import run_audit

    run_audit(log, config, as_json=as_json)


def try_strategy(
    uses: Annotated[str, typer.Argument(help="module:Class of yours, baseline, or funding.", show_default=False)],
    options: Annotated[
        list[str] | None, typer.Option("--option", help="name=value; may be repeated.", show_default=False)
    ] = None,
    examples: Annotated[int, typer.Option("--examples", help="Generated streams.", min=1)] = 50,
    out: Annotated[Path, typer.Option("--out", help="Where a failing stream is kept.")] = Path("results/strategy-kit"),
    as_json: AsJson = False,
) -> None:
    """Try a strategy on generated markets: determinism, bounds and safety; a failing stream is kept as a tape."""
    from scripts.cli.strategy_testing import run_test_strategy

    run_test_strategy(uses, options or (), examples, out, as_json=as_json)


def kill(
    reason: Reason = "an operator's kill",
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position as well.")] = False,
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    as_json: AsJson = False,
) -> None:
    """Stop every increase at once and cancel what could increase, until resumed."""
    from scripts.cli.operating import kill_trading

    kill_trading(config, data_dir, reason, flatten=flatten, as_json=as_json)


def resume(
    product: Annotated[
        str | None, typer.Argument(help="Release only what restricts this one.", show_default=False)
    ] = None,
    reason: Reason = "an operator's word",
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    as_json: AsJson = False,
) -> None:
    """Reset the kill switch and release the reduce-only mode; of a product, only what restricts that one."""
    from scripts.cli.operating import resume_trading

    resume_trading(config, data_dir, reason, product=product, as_json=as_json)


def close(
    product: Annotated[str, typer.Argument(help="The product, by our name for it.", show_default=False)],
    reason: Reason = "an operator's word",
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    as_json: AsJson = False,
) -> None:
    """Close one position step by step until it is flat; it passes the kill switch. A strategy may enter again."""
    from scripts.cli.operating import close_position

    close_position(config, data_dir, product, reason, as_json=as_json)


def stop(
    reason: Reason = "stopped by an operator",
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    keep_orders: Annotated[bool, typer.Option("--keep-orders", help="Leave resting orders at the exchange.")] = False,
    as_json: AsJson = False,
) -> None:
    """End the running session in order."""
    from scripts.cli.operating import stop_system

    stop_system(config, data_dir, reason, keep_orders=keep_orders, as_json=as_json)


def flow(
    name: Annotated[str, typer.Argument(help="What it is; empty takes an announcement back.")],
    came_in: Annotated[str | None, typer.Option("--in", help="USD that came into the account.")] = None,
    left: Annotated[str | None, typer.Option("--out", help="USD that left it, or will.")] = None,
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    as_json: AsJson = False,
) -> None:
    """Name money from outside: a flow that was found, or one to come. What is to leave is not traded with."""
    from scripts.cli.operating import name_flow

    name_flow(config, data_dir, came_in=came_in, left=left, name=name, as_json=as_json)


def limit(
    name: Annotated[str, typer.Argument(help="As in [risk]: max_exposure_pct.", show_default=False)],
    value: Annotated[str, typer.Argument(help="0.5, true, none, 09:00, BTC-PERP:5,ETH-PERP:8.", show_default=False)],
    reason: Reason = "an operator's word",
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a limit of the running system; it lasts until the file says something new there."""
    from scripts.cli.operating import change_limit

    change_limit(config, data_dir, name, value, reason, as_json=as_json)


def reduce_only(
    product: Annotated[str | None, typer.Argument(help="Our name of one; without it all.", show_default=False)] = None,
    reason: Reason = "an operator's word",
    config: Config = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Of the running system.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let only reducing orders pass, in one product or in all, until `perptape resume` of the same."""
    from scripts.cli.operating import restrict

    restrict(config, data_dir, product, reason, as_json=as_json)
