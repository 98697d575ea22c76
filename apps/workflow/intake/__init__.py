"""The one door for files: import command, watched folder, upload and STOW."""

from apps.workflow.intake.batch import keep_report as keep_report
from apps.workflow.intake.batch import take_paths as take_paths
from apps.workflow.intake.door import take_file as take_file
from apps.workflow.intake.types import FileOutcome as FileOutcome
from apps.workflow.intake.types import Status as Status
from apps.workflow.intake.types import Via as Via
