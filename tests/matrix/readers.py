"""What residents and specialists are answered where it is not what radiologists are.

Both read as a radiologist does (`apps.accounts.roles`), so the tables of the parts have
no columns of theirs: a row here says, in this order, what resident and specialist of A
and then of B get. All of these are about one person's own: a layout, a token, an upload,
a draft, a lease, which A's radiologist has; and a resident verifies nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.matrix.frame import Key

# fmt: off
READERS: dict[Key, str] = {
    ("DELETE", "api/layouts/<uuid:layout_id>"): "404 404   404 404",
    ("DELETE", "api/tokens/<uuid:token_id>"): "404 404   404 404",
    ("GET", "api/readings/<uuid:reading_id>/report.<slug:form>"): "404 404   404 404",
    ("GET", "api/worklist/items/<uuid:item_id>/reading"): "409 409   404 404",
    ("GET", "api/worklist/items/<uuid:item_id>/segment-interpolations/<uuid:job_id>"): "404 404   404 404",
    ("GET", "api/worklist/items/<uuid:item_id>/segment-slices/<str:sha256>"): "404 404   404 404",
    ("POST", "api/intakes/<uuid:intake_id>/files"): "403 403   404 404",
    ("POST", "api/intakes/<uuid:intake_id>/finish"): "403 403   404 404",
    ("POST", "api/readings/<uuid:reading_id>/send-back"): "403 404   403 404",
    ("POST", "api/readings/<uuid:reading_id>/verify"): "403 404   403 404",
    ("POST", "api/worklist/items/<uuid:item_id>/report-draft"): "409 409   404 404",
    ("POST", "api/worklist/items/<uuid:item_id>/segment-interpolations"): "409 409   404 404",
    ("POST", "api/worklist/items/<uuid:item_id>/sign"): "409 409   404 404",
    ("PUT", "api/intakes/<uuid:intake_id>/files/<uuid:file_id>"): "403 403   404 404",
    ("POST", "api/worklist/items/<uuid:item_id>/lease"): "409 409   404 404",
    ("PUT", "api/worklist/items/<uuid:item_id>/lease"): "409 409   404 404",
    ("PUT", "api/worklist/items/<uuid:item_id>/reading"): "409 409   404 404",
    ("PUT", "api/worklist/items/<uuid:item_id>/segment-slices/<str:sha256>"): "409 409   404 404",
}
# fmt: on
