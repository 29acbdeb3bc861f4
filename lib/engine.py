"""The queue as one object on one `Store`: submitting (`lib.submitting`, `lib.schedules`, `lib.batches`), many at once
(`lib.bulk`), running (`lib.claims`), what failed (`lib.failures`), whole queues (`lib.steering`), reading (`lib.views`,
`lib.listing`), how it went (`lib.history`), estimates (`lib.eta`) and telling of ends (`lib.deliveries`).

Imported through `lib.jobs`, which is its public name.
"""

from typing import TYPE_CHECKING

from lib.batches import Batching
from lib.bulk import Bulk
from lib.claims import Claiming
from lib.deliveries import Delivering
from lib.eta import Estimating
from lib.failures import Failing
from lib.history import Remembering
from lib.listing import Listing
from lib.schedules import Scheduling
from lib.settings import Settings
from lib.steering import Steering
from lib.store import Store
from lib.views import Viewing

if TYPE_CHECKING:
    from lib.operations import Catalog


class Jobs(Batching, Bulk, Scheduling, Steering, Claiming, Failing, Viewing, Listing, Remembering, Estimating, Delivering):
    """The queue of one release.

    Args:
        settings: where Redis is, how keys are named, limits.
        catalog: the operations that submit accepts; None accepts any name.
        store: connections of the caller's own; made from the settings by default.
    """

    def __init__(self, settings: Settings, catalog: "Catalog | None" = None, store: Store | None = None) -> None:
        self.settings = settings
        self.catalog = catalog
        self.store = store or Store(settings)

    def close(self) -> None:
        """Close every connection."""
        self.store.close()
