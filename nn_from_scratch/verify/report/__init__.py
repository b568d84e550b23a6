"""Results (JSON) in, one self-contained HTML page out."""

from nn_from_scratch.verify.report.campaigns import page_of_campaigns
from nn_from_scratch.verify.report.comparison import page_of_comparison
from nn_from_scratch.verify.report.functions import page_of_functions
from nn_from_scratch.verify.report.page import page

__all__ = ["page", "page_of_campaigns", "page_of_comparison", "page_of_functions"]
