"""A second reader of traces, written from docs/reference/trace-format.md alone.

It plays a trace from its first block and shows every event as `ct print --format json` does. Plain
and slow on purpose: where it and the page disagree, one of them is wrong; where it needs to know
more than the page says, the page is.
"""

from tracefmt.container import Recording
from tracefmt.cursor import Damaged
from tracefmt.functions import printed_functions
from tracefmt.printed import printed_events

__all__ = ["Damaged", "Recording", "printed_events", "printed_functions"]
