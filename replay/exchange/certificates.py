"""A certificate authority of one's own, for clients that speak nothing but TLS. Needs the package `trustme`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class NoAuthority(Exception):
    """TLS was asked for and cannot be had."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: what clients must trust, and what the server shows and signs with."""

    ca_file: Path
    chain_file: Path
    key_file: Path


def issue_certificates(folder: Path, host: str, *, keep: bool = False) -> Certificates:
    """Issue a certificate for `host` and `localhost` by a new authority, or `keep` those that are there.

    Raises `NoAuthority`.
    """
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    if keep and all(file.exists() for file in (files.ca_file, files.chain_file, files.key_file)):
        return files
    try:
        import trustme
    except ImportError:
        raise NoAuthority("TLS needs the package trustme: install it, or leave --tls out") from None
    authority = trustme.CA()
    issued = authority.issue_cert(host, "localhost")
    authority.cert_pem.write_to_path(files.ca_file)
    files.chain_file.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    files.key_file.unlink(missing_ok=True)
    with os.fdopen(os.open(files.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(issued.private_key_pem.bytes())
    return files
