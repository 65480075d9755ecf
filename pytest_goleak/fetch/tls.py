"""The TLS side of a connection: whom we trust, and the certificate we show."""

from __future__ import annotations

import ssl
from pathlib import Path

from pytest_goleak.model.auth import Auth
from pytest_goleak.model.errors import ConfigError

__all__ = ["make_tls_context"]


def make_tls_context(auth: Auth, *, root: str | Path = ".") -> ssl.SSLContext:
    """Return a context that checks the server against ``auth.ca`` (default: the system's) and shows ``auth.cert``.

    Raises:
        ConfigError: a file is missing or not what it should be, or there is a key without a certificate.

    """
    if auth.key and not auth.cert:
        raise ConfigError(f"auth.key is {auth.key!r}, but auth.cert is not set. Set both, or neither.")
    context = _trusting(auth.ca, Path(root))
    if auth.cert:
        _show(context, auth.cert, auth.key, Path(root))
    return context


def _trusting(ca: str | None, root: Path) -> ssl.SSLContext:
    if not ca:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=_existing(root / ca, "auth.ca"))
    except ssl.SSLError as error:
        raise ConfigError(f"auth.ca is {ca!r}, which holds no usable certificate ({error}). Expected PEM.") from None


def _show(context: ssl.SSLContext, cert: str, key: str | None, root: Path) -> None:
    cert_file = _existing(root / cert, "auth.cert")
    key_file = _existing(root / key, "auth.key") if key else None
    try:
        # An empty password, or OpenSSL asks for one at the terminal.
        context.load_cert_chain(cert_file, key_file, password="")
    except ssl.SSLError as error:
        raise ConfigError(
            f"auth.cert {cert!r} and auth.key {key!r} cannot be loaded ({error}). "
            "Expected a PEM certificate and its PEM key, not encrypted; without auth.key both in auth.cert."
        ) from None


def _existing(path: Path, key: str) -> Path:
    if not path.is_file():
        raise ConfigError(f"{key} is {str(path)!r}, and there is no such file.")
    return path
