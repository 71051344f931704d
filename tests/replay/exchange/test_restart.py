"""An exchange killed in the middle and started again on its folder and port: a client only sees a gap."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from replay.exchange.auth import read_key_file, write_key_file
from replay.exchange.server import Ready
from tests.replay.exchange.running import Client
from tests.replay.exchange.test_server import ROOT


@contextmanager
def started(folder: Path, port: int) -> Iterator[Client]:
    """The exchange in a process of its own, killed without a word at the end of the block."""
    command = [sys.executable, "-m", "scripts.perptape", "exchange", "--tls", "--seed", "3", "--speed", "max"]
    command += ["--data-dir", str(folder), "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Client(Ready(**json.loads(process.stdout.readline())))
        finally:
            process.kill()


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number


def test_a_client_goes_on_with_its_key_its_trust_and_its_orders_after_a_restart(tmp_path: Path, port: int) -> None:
    pytest.importorskip("trustme")
    with started(tmp_path, port) as client:
        bid = int(client.get("/product_book", product_id="BIP-20DEC30-CDE")["pricebook"]["bids"][0]["price"])
        resting, filled = client.limit("a", "BUY", 2, bid - 500), client.market("b", "SELL", 1)
        before = client.control("books")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get("/time")
    with started(tmp_path, port):
        after = client.control("books")
        orders = {row["order_id"]: row["status"] for row in client.get("/orders/historical/batch")["orders"]}
        assert orders == {resting: "OPEN", filled: "FILLED"}
        assert {name: after[name] for name in ("cash", "fees", "fills")} == {
            name: before[name] for name in ("cash", "fees", "fills")
        }
        assert client.limit("a", "BUY", 2, bid - 500) == resting
        client.session.close()


def test_a_key_of_another_kind_is_not_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    assert read_key_file(file, "ec") is None
    write_key_file(file, "mine", "A" * 43 + "=")
    assert read_key_file(file, "ec") is None
    kept = read_key_file(file, "ed25519")
    assert kept is not None
    assert kept.name == "mine"
