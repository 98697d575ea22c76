"""Somebody at a browser of a running stack, for tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.harness import Stack

PASSWORD = "overread-demo"
SESSION, CSRF = "overread_session", "overread_csrf"
PATIENCE_S = 120.0


class Person:
    """Somebody at a browser: a session of their own, a CSRF token with each verb."""

    def __init__(
        self, stack: Stack, username: str, *, password: str = PASSWORD
    ) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=f"{stack.url}/api/", timeout=30)
        self.http.get("session").raise_for_status()
        self.send(
            "POST", "session", json={"username": username, "password": password}
        ).raise_for_status()

    def send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        headers = {
            "X-CSRFToken": self.http.cookies.get(CSRF, ""),
            "Origin": self.stack.url,
            **kwargs.pop("headers", {}),
        }
        return self.http.request(method, path, headers=headers, **kwargs)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.send("GET", path, params=params)
        answer.raise_for_status()
        return answer.json()

    def row_of(self, patient_id: str) -> dict[str, Any] | None:
        rows = self.get("worklist", q=patient_id, limit=10)["items"]
        return rows[0] if rows else None

    def wait_for(
        self, patient_id: str, ok: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Look at the list until the patient's row is as wanted."""
        row = None
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            row = self.row_of(patient_id)
            if row is not None and ok(row):
                return row
            time.sleep(0.5)
        raise AssertionError(f"after {PATIENCE_S:g} s the row is {row}")

    @property
    def cookie(self) -> str:
        return f"{SESSION}={self.http.cookies[SESSION]}"
