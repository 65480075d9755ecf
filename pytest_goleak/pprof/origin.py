"""Whose code a frame is: the Go runtime's, the standard library's, or the service's."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_goleak.model.profile import Frame

__all__ = ["is_runtime", "is_standard", "own_frame", "package_of"]

_STANDARD = frozenset(
    {
        "archive", "bufio", "builtin", "bytes", "cmp", "compress", "container", "context", "crypto", "database",
        "debug", "embed", "encoding", "errors", "expvar", "flag", "fmt", "go", "hash", "html", "image", "index",
        "internal", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp",
        "runtime", "slices", "sort", "strconv", "strings", "structs", "sync", "syscall", "testing", "text", "time",
        "unicode", "unique", "unsafe", "uuid", "vendor", "weak",
    }
)  # fmt: skip
"""First elements of the import paths of the standard library."""


def package_of(function: str) -> str:
    """Return the import path in a function's full name: ``net/http`` of ``net/http.(*conn).serve``."""
    # Type arguments may hold paths of their own. Dots in the last element of a path are written as %2e.
    head = function.split("[", 1)[0]
    directory, slash, name = head.rpartition("/")
    return directory + slash + name.split(".", 1)[0]


def is_runtime(frame: Frame) -> bool:
    """Whether *frame* belongs to the Go runtime itself."""
    return frame.function.startswith(("runtime.", "internal/runtime/", "runtime/internal/"))


def is_standard(frame: Frame) -> bool:
    """Whether *frame* belongs to the Go runtime or the standard library.

    An import path such as ``internal/store`` may also be that of a service; then its file, which is not below
    the ``src`` of a Go installation (nor, after ``-trimpath``, at the import path itself), tells the two apart.
    """
    package = package_of(frame.function)
    if package.split("/", 1)[0] not in _STANDARD:
        return False
    directory = frame.file.replace("\\", "/").rpartition("/")[0]
    # Some functions of other packages are written in the runtime: time.Sleep, sync.runtime_Semacquire.
    return not directory or directory in {package, "runtime"} or directory.endswith((f"/src/{package}", "/src/runtime"))


def own_frame(stack: Sequence[Frame]) -> Frame | None:
    """Return the innermost frame of *stack* that is the service's or a module's, not the standard library's."""
    return next((frame for frame in stack if not is_standard(frame)), None)
