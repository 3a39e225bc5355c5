"""Where results are kept: one SQLite file in the folder of results.

Each submission is one transaction, so that a run that is killed at any moment loses at most what it was working on,
and the next goes on from there. Nothing is ever half-written.
"""

import json
import sqlite3
from pathlib import Path


class Book:
    """Records by key (`mark.Job.key`).

    Raises:
        ValueError: the file is no book of this program.
    """

    def __init__(self, path: Path):
        self.connection = sqlite3.connect(path, timeout=30)
        try:
            self.connection.execute("PRAGMA journal_mode=WAL")
            with self.connection:
                self.connection.execute("CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, record TEXT)")
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path} holds no results of this program ({error}): give another folder.") from None

    def get(self, key: str) -> dict | None:
        row = self.connection.execute("SELECT record FROM records WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, key: str, record: dict) -> None:
        with self.connection:
            row = (key, json.dumps(record))
            self.connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", row)

    def close(self) -> None:
        self.connection.close()
