"""A disk for SQLite that forgets what was not synced when the power is cut, and one whose syncs fail."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import apsw

#: A write (offset, bytes) or, with None, a truncation to that length.
Change = tuple[int, bytes | None]


class Disk(apsw.VFS):  # type: ignore[misc]
    """A VFS that knows what of each file has reached the platter, and what is on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failing = False
        self.lock = threading.Lock()
        self.safe: dict[str, bytearray] = {}
        self.pending: dict[str, list[Change]] = {}
        super().__init__(name, "")

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    def cut_power(self, to: Path, seed: int) -> None:
        """Write to *to* what a power cut at this moment leaves: of what was not synced, a random half of the writes."""
        chance = random.Random(seed)
        with self.lock:
            for path, safe in self.safe.items():
                image = bytearray(safe)
                for change in self.pending[path]:
                    if chance.random() < 0.5:
                        _apply(image, change)
                if not path.endswith("-shm"):
                    (to / Path(path).name).write_bytes(image)


class _File(apsw.VFSFile):  # type: ignore[misc]
    def __init__(self, disk: Disk, name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        disk.safe.setdefault(self._path, bytearray())
        self._pending = disk.pending.setdefault(self._path, [])

    def xWrite(self, data: bytes, offset: int) -> None:
        with self._disk.lock:
            super().xWrite(data, offset)
            self._pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        with self._disk.lock:
            super().xTruncate(newsize)
            self._pending.append((newsize, None))

    def xSync(self, flags: int) -> None:
        with self._disk.lock:
            if self._disk.failing:
                raise apsw.IOError("the disk does not sync")
            super().xSync(flags)
            for change in self._pending:
                _apply(self._disk.safe[self._path], change)
            self._pending.clear()


def _apply(image: bytearray, change: Change) -> None:
    offset, data = change
    if data is None:
        del image[offset:]
        return
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data
