"""The SQLite file itself: made private, given its tables, moved aside when damaged.

A file that is somebody else's is never changed, whatever the address says.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from openmux_lc.ledger.store import StoreLostError

__all__ = ["connect"]

_SCHEMA_VERSION: Final = 1
_WAIT_S: Final = 5.0
_WAL_PAGES: Final = 4_000
"""A checkpoint in a caller's commit is the last resort; see `SQLiteStore.maintain`."""

_MAGIC: Final = b"SQLite format 3\0"
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NAMES: Final = frozenset({"counter", "health", "stats", "lease", "run"})
_TABLES: Final = (
    "CREATE TABLE counter (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE health (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE stats (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE lease (id TEXT PRIMARY KEY, expires_at REAL NOT NULL, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE run (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, body BLOB NOT NULL)",
    f"PRAGMA user_version = {_SCHEMA_VERSION}",
)
_LATER: Final = (
    "CREATE TABLE IF NOT EXISTS refusal (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS learned (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
)
"""Tables that an older file lacks; an older version leaves them alone."""
_READ_ALL: Final = (
    "SELECT * FROM counter",
    "SELECT * FROM health",
    "SELECT * FROM stats",
    "SELECT * FROM lease",
    "SELECT * FROM refusal",
    "SELECT * FROM learned",
)

_STRANGE: Final = "it holds something else and is left as it is"

_logger = logging.getLogger(__name__)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the ledger's file, which is made or mended if need be.

    Raises:
        sqlite3.Error: SQLite cannot open or write it.
        StoreLostError: Its folder cannot be made, or it holds something else.
    """
    try:
        if path.exists() and not path.is_file():
            raise StoreLostError("it is no plain file")
        if path.exists() and path.stat().st_size:
            return _open(path)
    except OSError as error:
        raise StoreLostError(str(error)) from error
    except sqlite3.DatabaseError as error:
        if not _is(error, _DAMAGED | _BUSY):
            raise
    return _make(path)


def _make(path: Path) -> sqlite3.Connection:
    """Make or mend the file while no other process does."""
    import filelock  # 50 ms, and only for a new file

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock", timeout=_WAIT_S, mode=0o600):
            _create(path)
            try:
                return _open(path)
            except sqlite3.DatabaseError as error:
                if not _is(error, _DAMAGED):
                    raise
                _move_aside(path)
            _create(path)
            return _open(path)
    except OSError as error:  # a lock that is not had in time is one as well
        raise StoreLostError(str(error)) from error


def _create(path: Path) -> None:
    """Make an empty file that is ours alone; one that exists is not even opened.

    To close it would let go of every lock that this process has on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _open(path: Path) -> sqlite3.Connection:
    # Only the opening waits inside SQLite; `SQLiteStore` waits for the write lock by itself.
    connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        _refuse_strangers(connection, path)
        _make_private(path)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        # A power cut may lose the last calls, never the file: only a checkpoint waits for the disk.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}").fetchall()
        _ensure_tables(connection)
        _make_private(path)
        connection.execute("PRAGMA busy_timeout = 0").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_strangers(connection: sqlite3.Connection, path: Path) -> None:
    """Read whose file it is before anything about it is changed.

    Raises:
        StoreLostError: Another program's, or a newer version's.
        sqlite3.DatabaseError: It is ours as far as can be told, and damaged.
    """
    if 0 < path.stat().st_size < len(_MAGIC):  # SQLite takes a file of one byte for an empty one
        raise StoreLostError(_STRANGE)
    try:
        connection.execute("BEGIN")
        _version_of_ours(connection)
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if _is(error, _DAMAGED) and not _begins_like_ours(path):
            raise StoreLostError(_STRANGE) from error
        raise


def _begins_like_ours(path: Path) -> bool:
    # Closing a database file drops this process's locks on it; this one has just been found to be no sound database.
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) in {_MAGIC, b""}


def _version_of_ours(connection: sqlite3.Connection) -> int:
    """Return the file's version, 0 for an empty one.

    Raises:
        StoreLostError: Another program's, or a newer version's.
    """
    version: int
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > _SCHEMA_VERSION or ((tables or version) and not (version and tables >= _NAMES)):
        raise StoreLostError("it was made by a newer openmux or by something else, and is left as it is")
    return version


def _ensure_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")  # also shows that the file can be written
    with connection:
        if not _version_of_ours(connection):
            for statement in _TABLES:
                connection.execute(statement)
        for statement in _LATER:
            connection.execute(statement)
        for statement in _READ_ALL:
            connection.execute(statement).fetchall()


def _make_private(path: Path) -> None:
    """Close the file and what SQLite keeps beside it to other users, if they are ours."""
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        with contextlib.suppress(OSError):
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)


def _is(error: sqlite3.Error, codes: frozenset[int]) -> bool:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in codes


def _move_aside(path: Path) -> None:
    aside = Path(f"{path}.corrupt-{int(time.time())}")
    _logger.warning("the state file %s is damaged; it is kept as %s and a new one is begun", path, aside)
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
