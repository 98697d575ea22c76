"""Reading Orthanc's change log: pages, arrivals, and a log that lost rows. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from apps.interop.types import Arrivals, Change, ChangePage


def parse_change_page(answer: Mapping[str, Any]) -> ChangePage:
    """Read the JSON of ``/changes``."""
    return ChangePage(
        changes=tuple(
            Change(
                seq=int(row["Seq"]),
                kind=str(row["ChangeType"]),
                resource_type=str(row["ResourceType"]),
                resource_id=str(row["ID"]),
                date=_moment(str(row.get("Date", ""))),
            )
            for row in answer["Changes"]
        ),
        last=int(answer["Last"]),
        done=bool(answer["Done"]),
    )


def parse_arrivals(page: ChangePage, *, since: int) -> Arrivals:
    """Say which studies became stable, and whether rows were lost.

    Rows vanish one by one when a study is deleted, and all at once when the log
    is cleared. So the row of the cursor itself is asked for too: as long as it
    is there, the log was not cleared behind us.

    Args:
        page: The log after ``since - 1``, so that its first row is the cursor's
            own row if that still exists (with ``since`` 0: after 0).
        since: The cursor.
    """
    fresh = [change for change in page.changes if change.seq > since]
    stable = [c for c in fresh if c.kind == "StableStudy"]
    newest_last = dict.fromkeys(c.resource_id for c in reversed(stable))
    return Arrivals(
        study_ids=tuple(reversed(newest_last)),
        cursor=page.last,
        done=page.done,
        history_lost=since > 0 and _rows_lost(page, since=since),
    )


def _rows_lost(page: ChangePage, *, since: int) -> bool:
    if page.last < since:  # an older or a new database
        return True
    if not page.changes:
        return page.last > since
    return page.changes[0].seq > since + 1


def _moment(text: str) -> dt.datetime | None:
    try:
        # The archive stamps its own wall clock and names no zone.
        return dt.datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
