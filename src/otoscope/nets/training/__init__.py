"""The one training loop: any network, any task; reproducible, and a run that was killed goes on to the same weights.

`train` drives; `TrainingPlan` says how, `Task` what is learnt, `History` how it went. Around them: learning rates
(`schedules`), everything a checkpoint holds (`state`), weight averages (`averaging`), number formats (`precision`),
several processes (`distributed`), and what a run tells and leaves behind (`observers`, `run_folder`).
"""

from otoscope.nets.training.determinism import deterministic
from otoscope.nets.training.loop import train
from otoscope.nets.training.observers import Observer, Report, observed
from otoscope.nets.training.plan import History, Task, TrainingPlan
from otoscope.nets.training.precision import device_of, moved

__all__ = [
    "History",
    "Observer",
    "Report",
    "Task",
    "TrainingPlan",
    "deterministic",
    "device_of",
    "moved",
    "observed",
    "train",
]
