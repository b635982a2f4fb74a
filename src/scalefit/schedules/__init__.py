"""Learning rates of each step: made, read from logs, recognised, and the areas under them."""

from scalefit.schedules.areas import annealing_area, forward_area
from scalefit.schedules.recognition import recognize_schedule, recognize_schedules
from scalefit.schedules.schedule import Schedule
from scalefit.schedules.shapes import ScheduleShape

__all__ = [
    "Schedule",
    "ScheduleShape",
    "annealing_area",
    "forward_area",
    "recognize_schedule",
    "recognize_schedules",
]
