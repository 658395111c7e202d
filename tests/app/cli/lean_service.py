"""`icd-cascade serve --build-missing` over a code set of thirty codes, as a process of its own.

Usage: python -m tests.app.cli.lean_service serve FLAGS. Says "opened" on standard error each time the process begins.
"""

from __future__ import annotations

import sys

from app.cli.main import main
from index_builder.codesets import sources
from tests.app.live import TinyCodeSet

if __name__ == "__main__":
    sys.stderr.write("opened\n")
    sources.open_code_set = lambda *_args, **_more: TinyCodeSet()
    sys.exit(main())
