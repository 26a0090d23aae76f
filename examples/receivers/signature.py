"""Checks the signature of a Standard Webhook with Python's standard library alone."""

import base64
import hashlib
import hmac
import time
from typing import Mapping

TOLERANCE_S = 5 * 60


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raises ValueError unless the body was signed with the secret, within the last five minutes."""
    sent, signatures = headers["webhook-timestamp"], headers["webhook-signature"]
    if abs(time.time() - int(sent)) > TOLERANCE_S:
        raise ValueError("sent too long ago")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{sent}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # While a secret is rotated there are two signatures: one that fits is enough.
    if not any(hmac.compare_digest(one.encode(), expected.encode()) for one in signatures.split()):
        raise ValueError("no signature fits")
