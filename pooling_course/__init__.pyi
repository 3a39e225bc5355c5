from . import images as images
from .exercises import attempt as attempt
from .exercises import check as check
from .exercises import hint as hint
from .exercises import your_case as your_case
from .exercises.clinic import patient as patient
from .expert.inspect import inspect_poolings as inspect_poolings
from .expert.reader import digit_reader as digit_reader
from .expert.report import gradient_report as gradient_report
from .explorer.explorer import GradientFlow as GradientFlow
from .explorer.explorer import PoolingExplorer as PoolingExplorer
from .maths.device import best_device as best_device
from .maths.kinds.pooling import Pooling as Pooling
from .maths.trace import Trace as Trace
from .maths.trace import Window as Window
from .maths.trace import trace as trace
from .pictures import charts as charts
from .pictures import figures as figures
from .pictures.flipbook import Flipbook as Flipbook
from .questions.card import Quiz as Quiz
from .questions.card import practice as practice
from .questions.card import quiz as quiz
from .questions.card import review as review
from .questions.journal import export_progress as export_progress
from .questions.journal import import_progress as import_progress
from .questions.journal import progress as progress

__version__: str
