"""The `perptape` command: every error the world can cause is one sentence and a documented exit code."""

from __future__ import annotations

import os
import sys

import typer

from scripts.cli import captures, configure, lists, live, logs, look
from scripts.cli.loudness import speak

HELP = "An event-sourced trading system for Coinbase perpetual futures: one log, replayed to the same decisions."


def build() -> typer.Typer:
    """The whole command line. The modules of the commands import what they need when they are called."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,  # rich's help costs a tenth of a second at every --help and every usage error
        pretty_exceptions_enable=False,
        add_completion=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    live.register(app)
    look.register(app)
    logs.register(app)
    captures.register(app)
    lists.register(app)
    configure.register(app)
    return app


def main() -> None:
    """The entry of the console command."""
    try:
        speak(os.environ)
        build()(prog_name="perptape")
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away: `perptape log tail | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # the outermost edge: what is not known here is raised again
        from scripts.cli.exits import exit_code_of, sentence_of

        code = exit_code_of(error)
        if code is None:
            raise
        print(f"perptape: {sentence_of(error)}", file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    main()
