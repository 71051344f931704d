"""A writer in its own process: commits as long as it may and prints the seq of each, once it is acknowledged.

python -m tests.events.writer FOLDER COMMITS [FILE_SIZE_LIMIT]
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from events.log import FileLog, LogWriteFailed
from tests.events.turns import turn


def main(folder: str, commits: str, limit: str = "") -> None:
    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        log = FileLog.open(Path(folder), durability="every", roll_bytes=20_000)
        print(f"head {log.head.seq}", flush=True)
        for _ in range(int(commits)):
            log.write(turn(log.next_seq, 3))
            print(f"acked {log.commit().seq}", flush=True)
        log.close()
    except LogWriteFailed as failed:
        print(f"failed {failed}", flush=True)
        _expect_no_further_acknowledgement(locals().get("log"))


def _expect_no_further_acknowledgement(log: FileLog | None) -> None:
    if log is None:
        return
    head = log.head
    for act in (log.commit, log.sync, lambda: log.write(turn(log.next_seq))):
        try:
            act()
        except LogWriteFailed:
            continue
        print("acked after a failure", flush=True)
    assert log.head == head
    log.close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
