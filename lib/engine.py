"""The queue as one object: submitting (`lib.submission`), running (`lib.claims`) and reading (`lib.views`) on one `Store`.

Imported through `lib.jobs`, which is its public name.
"""

from typing import TYPE_CHECKING

from lib.claims import Claiming
from lib.settings import Settings
from lib.store import Store
from lib.submission import Submitting
from lib.views import Viewing

if TYPE_CHECKING:
    from lib.operations import Catalog


class Jobs(Submitting, Claiming, Viewing):
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
