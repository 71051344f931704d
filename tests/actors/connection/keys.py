"""Fresh keys in every form the exchange hands them out."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

NAME = "organizations/3f1c0000-0000-4000-8000-000000000001/apiKeys/9b2e0000-0000-4000-8000-000000000002"

EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, *, sec1: bool = False) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL if sec1 else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _der(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


_SEED = ED_KEY.private_bytes_raw()

#: Name of the form -> the secret as text, and the algorithm it must sign with.
FORMS = {
    "EC SEC1 PEM": (pem(EC_KEY, sec1=True), "ES256"),
    "EC PKCS8 PEM": (pem(EC_KEY), "ES256"),
    "EC PEM with literal newlines": (pem(EC_KEY, sec1=True).replace("\n", "\\n"), "ES256"),
    "EC PEM with Windows line ends": (pem(EC_KEY).replace("\n", "\r\n"), "ES256"),
    "Ed25519 seed and public": (base64.b64encode(_SEED + ED_KEY.public_key().public_bytes_raw()).decode(), "EdDSA"),
    "Ed25519 seed": (base64.b64encode(_SEED).decode(), "EdDSA"),
    "Ed25519 PKCS8 PEM": (pem(ED_KEY), "EdDSA"),
    "Ed25519 PKCS8 base64": (base64.b64encode(_der(ED_KEY)).decode(), "EdDSA"),
}
