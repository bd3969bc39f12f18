"""The clock of daemons under test: a file that they map (docs/decisions)."""
import datetime
import mmap
import struct
import time

import daemon as daemons


class Clock:
    """Moves the clocks of all daemons that were started with `environment`."""

    def __init__(self, path):
        assert b"CHANCERY_TEST_CLOCK" in daemons.PROGRAM.read_bytes(), (
            f"{daemons.PROGRAM} was built without CHANCERY_TEST_CLOCK: use the preset dev")
        path.write_bytes(bytes(24))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 24)
        self.sequence = self.both = self.wall_only = 0
        self.environment = daemons.environment(CHANCERY_TEST_CLOCK=str(path))

    def _write(self):
        # Odd while it changes: whoever reads in between reads again.
        struct.pack_into("=q", self.map, 0, self.sequence + 1)
        struct.pack_into("=qq", self.map, 8, self.both, self.wall_only)
        self.sequence += 2
        struct.pack_into("=q", self.map, 0, self.sequence)

    def advance(self, **duration):
        """Lets time pass."""
        self.both += int(datetime.timedelta(**duration).total_seconds() * 1_000_000)
        self._write()

    def jump(self, **duration):
        """Moves the wall clock alone, as somebody who sets it wrong."""
        self.wall_only += int(datetime.timedelta(**duration).total_seconds() * 1_000_000)
        self._write()

    @property
    def now(self):
        moment = time.time() + (self.both + self.wall_only) / 1_000_000
        return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
