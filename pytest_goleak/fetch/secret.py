"""Find the token: in the environment, a file, a JSON document, or what a program prints.

The readers here return what is wrong instead of raising it. A frame that raises shows its local variables in a
traceback (``pytest --showlocals``), and these frames hold the token, or the document it came from.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pytest_goleak.model.auth import Auth, Secret
from pytest_goleak.model.errors import AuthError

__all__ = ["describe_token_source", "resolve_token"]

_COMMAND_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class _Problem:
    text: str


def resolve_token(auth: Auth, *, root: str | Path = ".") -> Secret | None:
    """Return the token that *auth* describes, or ``None`` if it describes none.

    Args:
        auth: Where the token is.
        root: Directory that relative paths and the token's command start from.

    Raises:
        AuthError: there is no token where *auth* points to, or it cannot be sent.

    """
    found = _read(auth, Path(root))
    if isinstance(found, Secret):
        found = _checked(found, in_header=not auth.query and not auth.basic)
    if isinstance(found, _Problem):
        raise AuthError(f"No token to send: {found.text}")
    return found


def describe_token_source(auth: Auth) -> str:
    """Return where the token comes from, in the words of a message."""
    if auth.token_env:
        return f"environment variable {auth.token_env}"
    if auth.token_file:
        return f"file {auth.token_file}"
    if auth.token_json:
        return f"JSON key {auth.token_json}"
    if auth.token_command:
        return f"output of {auth.token_command[0]}"
    return "no source"


def _read(auth: Auth, root: Path) -> Secret | _Problem | None:
    if auth.token_env:
        return _read_env(auth.token_env)
    if auth.token_file:
        return _read_file(root / auth.token_file)
    if auth.token_json:
        return _read_json(auth.token_json, root)
    if auth.token_command:
        return _read_command(auth.token_command, root)
    if auth.header or auth.query or auth.basic:
        return _Problem(
            "[auth] says how to send one, but not where it is. "
            "Set one of token_env, token_file, token_json or token_command."
        )
    return None


def _read_env(name: str) -> Secret | _Problem:
    value = os.environ.get(name)
    if value is None:
        return _Problem(f"environment variable {name} (auth.token_env) is not set. Export it before running pytest.")
    if not value:
        return _Problem(f"environment variable {name} (auth.token_env) is empty. Expected the token.")
    return Secret(value)


def _read_text(path: Path, key: str) -> str | _Problem:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return _Problem(f"file {path} ({key}) cannot be read: {error.strerror}. Expected a readable file.")
    except UnicodeDecodeError:
        return _Problem(f"file {path} ({key}) is not UTF-8 text.")


def _read_file(path: Path) -> Secret | _Problem:
    text = _read_text(path, "auth.token_file")
    if isinstance(text, _Problem):
        return text
    if not text.strip():
        return _Problem(f"file {path} (auth.token_file) is empty. Expected the token, and nothing else.")
    return Secret(text.strip())


def _read_json(location: str, root: Path) -> Secret | _Problem:
    file, _, key = location.rpartition(":")
    if not file or not key:
        return _Problem(
            f"auth.token_json is {location!r}; expected FILE:dotted.key, such as env.json:pprof.static_token."
        )
    text = _read_text(root / file, "auth.token_json")
    if isinstance(text, _Problem):
        return text
    try:
        document = json.loads(text)
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its text"
        return _Problem(f"file {root / file} (auth.token_json) is not JSON, see {where}.")
    return _walk(document, key, root / file)


def _walk(document: object, key: str, path: Path) -> Secret | _Problem:
    value = document
    walked: list[str] = []
    for part in key.split("."):
        walked.append(part)
        if not isinstance(value, dict) or part not in value:
            return _Problem(f"file {path} has no key {'.'.join(walked)} (auth.token_json asks for {key}).")
        value = value[part]
    if isinstance(value, bool) or not isinstance(value, str | int):
        return _Problem(f"{key} in file {path} is {type(value).__name__}; expected a string.")
    if value == "":
        return _Problem(f"{key} in file {path} is empty. Expected the token.")
    return Secret(str(value))


def _read_command(argv: tuple[str, ...], root: Path) -> Secret | _Problem:
    """Run *argv*; its error output is dropped, since it may hold the secret in a form nobody can recognise."""
    name = f"{argv[0]} (auth.token_command)"
    try:
        done = subprocess.run(
            argv,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
        output = done.stdout.decode().strip()
    except OSError as error:
        return _Problem(f"{name} cannot be run: {error.strerror}. Expected a program that prints the token.")
    except subprocess.TimeoutExpired:
        return _Problem(f"{name} printed no token within {_COMMAND_TIMEOUT_S:g} s. Does it wait for input?")
    except UnicodeDecodeError:
        return _Problem(f"{name} did not print UTF-8 text.")
    if done.returncode:
        return _Problem(f"{name} failed with exit code {done.returncode}. Run it by hand to see what it says.")
    if not output:
        return _Problem(f"{name} printed nothing. Expected the token on its standard output.")
    return Secret(output)


def _checked(secret: Secret, *, in_header: bool) -> Secret | _Problem:
    value = secret.reveal()
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in value):
        return _Problem("it contains a line break or another control character. Expected one line with only the token.")
    if value != value.strip():
        return _Problem("it begins or ends with white space. Expected the token alone.")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        return _Problem("it is not text: some of its bytes are not UTF-8. Is it the right value?")
    if in_header and any(ord(character) > 0xFF for character in value):
        return _Problem(
            "it contains a character outside Latin-1, which no HTTP header can carry. Is it the right value?"
        )
    return secret
