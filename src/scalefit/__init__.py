"""Fit scaling laws to training runs, say how sure the fit is, and decide with it.

>>> import scalefit as sf
>>> runs = sf.datasets.load("microlm").groupby("run").last()
>>> fit = sf.fit(runs[runs.family == "transformer"], "chinchilla")
>>> fit.converged
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Public name -> module it lives in; loaded at first use, so that ``import scalefit`` is quick.
_PUBLIC = {
    "Absolute": "objectives",
    "Allocation": "decisions.allocation.budget",
    "Annealing": "decisions.schedules.anneal",
    "ApproachComparison": "decisions.isoflop.approaches_record",
    "Asymmetric": "objectives",
    "Backtest": "decisions.backtest_result",
    "BacktestComparison": "decisions.backtest_comparison",
    "BestInputs": "decisions.allocation.inputs",
    "BorrowedFit": "decisions.families_borrow",
    "Cauchy": "objectives",
    "Chain": "decisions.chain",
    "Checklist": "reports.checklist",
    "ColumnError": "errors",
    "Comparison": "decisions.comparison.record",
    "Cost": "decisions.spending",
    "Coverage": "decisions.coverage",
    "Crossover": "decisions.crossover.record",
    "CurveForecast": "decisions.curves.record",
    "DataError": "errors",
    "DataWarning": "errors",
    "DecayChoice": "decisions.schedules.decay",
    "Derive": "law",
    "Derived": "derived",
    "DesignPower": "decisions.power.record",
    "EnvelopeFit": "decisions.isoflop.envelope_record",
    "FamilyBacktest": "decisions.families_backtest",
    "FamilyFit": "decisions.families_record",
    "Finding": "checks",
    "Fit": "result",
    "FitError": "errors",
    "FitWarning": "errors",
    "Forecast": "decisions.forecast_result",
    "FormulaError": "errors",
    "GroupAnswers": "many.record",
    "Huber": "objectives",
    "Identifiability": "decisions.identifiability",
    "InferenceAllocation": "decisions.allocation.serving",
    "IsoFlop": "decisions.isoflop.record",
    "IsoFlops": "decisions.isoflop.record",
    "IsoLoss": "decisions.allocation.contours",
    "Jackknife": "uncertainty.jackknife",
    "LackOfFit": "uncertainty.lack_of_fit",
    "Law": "law",
    "LawComparison": "decisions.law_comparison",
    "LawError": "errors",
    "LogPrior": "fitting.setup",
    "ManyFits": "many.record",
    "ModelSize": "runs.models.size",
    "Noise": "decisions.simulation",
    "NoiseEstimate": "uncertainty.noise",
    "OptimizedSchedule": "decisions.schedules.optimize",
    "Param": "parameter",
    "Profile": "decisions.profiles",
    "ProtocolComparison": "decisions.comparison.protocol_result",
    "Published": "law",
    "RawCrossover": "decisions.crossover.raw",
    "RestForecast": "decisions.schedules.live",
    "RunPlan": "decisions.planning.record",
    "RunsCheck": "checks",
    "Saturation": "decisions.targets.records",
    "ScalefitError": "errors",
    "ScalefitWarning": "errors",
    "Schedule": "schedules",
    "ScheduleComparison": "decisions.schedules.comparison",
    "ScheduleShape": "schedules",
    "Sensitivity": "decisions.sensitivity",
    "SettingProfile": "decisions.settings",
    "SharingTest": "decisions.families_likelihood",
    "SizeComparison": "decisions.allocation.sizes",
    "SmallestModel": "decisions.allocation.contours",
    "Square": "objectives",
    "Stage": "decisions.chain",
    "Starts": "fitting.starts",
    "StopOrGo": "decisions.schedules.stopping",
    "Target": "decisions.planning.target",
    "TargetScale": "decisions.targets.records",
    "UnitWarning": "errors",
    "allocate": "decisions.allocation.budget",
    "allocate_inference": "decisions.allocation.serving",
    "anneal_now": "decisions.schedules.anneal",
    "backtest": "decisions.backtest",
    "backtest_families": "decisions.families_backtest",
    "best_decay": "decisions.schedules.decay",
    "best_inputs": "decisions.allocation.inputs",
    "bits_per_byte": "quantities",
    "borrow": "decisions.families_borrow",
    "candidates": "decisions.planning.candidates",
    "chain": "decisions.chain",
    "check_runs": "checks",
    "compare": "decisions.comparison.compare",
    "compare_approaches": "decisions.isoflop.approaches",
    "compare_backtests": "decisions.backtest_comparison",
    "compare_fits": "decisions.comparison.compare",
    "compare_laws": "decisions.law_comparison",
    "compare_protocol": "decisions.comparison.protocol",
    "compare_schedules": "decisions.schedules.comparison",
    "compare_sizes": "decisions.allocation.sizes",
    "compute_envelope": "runs.envelope",
    "count_flops": "runs.flops",
    "count_params": "runs.models.params",
    "coverage": "decisions.coverage",
    "cut_warmup": "runs.cutting",
    "define_derived": "derived",
    "define_law": "definition",
    "design_power": "decisions.power.design",
    "estimate_noise": "uncertainty.noise",
    "estimate_non_embedding_params": "runs.models.estimates",
    "estimate_total_params": "runs.models.estimates",
    "exponent": "parameter",
    "extract_final_losses": "runs.extraction",
    "find_crossover": "decisions.crossover.find",
    "find_divergence": "runs.divergence",
    "find_raw_crossover": "decisions.crossover.raw",
    "find_saturation": "decisions.targets.saturation",
    "find_scale": "decisions.targets.scales",
    "find_spikes": "runs.spikes",
    "fit": "estimation",
    "fit_envelope": "decisions.isoflop.envelope",
    "fit_families": "decisions.families",
    "fit_many": "many.fitting",
    "floor": "parameter",
    "forecast": "decisions.forecast",
    "forecast_curves": "decisions.curves.forecast",
    "forecast_rest": "decisions.schedules.live",
    "formula_law": "definition",
    "get_law": "laws",
    "grid": "runs.grid",
    "identifiability": "decisions.identifiability",
    "influence": "decisions.influence",
    "interpolate_losses": "runs.interpolation",
    "iso_loss": "decisions.allocation.contours",
    "isoflop": "decisions.isoflop.analysis",
    "joint_draws": "uncertainty.pairing",
    "lack_of_fit": "uncertainty.lack_of_fit",
    "list_laws": "laws",
    "load_fit": "reports.json",
    "load_fits": "many.store",
    "map_groups": "many.mapping",
    "merge_steps": "runs.merging",
    "notes_of": "runs.notes",
    "optimize_schedule": "decisions.schedules.optimize",
    "plan_runs": "decisions.planning.plan",
    "plot_allocation": "plots.allocations",
    "plot_backtest": "plots.backtests",
    "plot_comparison": "plots.comparisons",
    "plot_contours": "plots.contours",
    "plot_crossover": "plots.crossovers",
    "plot_curve_forecast": "plots.curves",
    "plot_draws": "plots.draws",
    "plot_fit": "plots.fits",
    "plot_forecast": "plots.forecasts",
    "plot_isoflop": "plots.isoflops",
    "plot_profile": "plots.profiles",
    "plot_protocol": "plots.comparisons",
    "plot_residuals": "plots.residuals",
    "plot_run_plan": "plots.plans",
    "plot_starts": "plots.starts",
    "profile": "decisions.profiles",
    "profile_setting": "decisions.settings",
    "read_mlflow": "runs.readers.mlflow_store",
    "read_runs": "runs.frame",
    "read_wandb": "runs.readers.wandb_online",
    "real": "parameter",
    "recognize_schedule": "schedules",
    "recognize_schedules": "schedules",
    "scale": "parameter",
    "sensitivity": "decisions.sensitivity",
    "simulate_runs": "decisions.simulation",
    "slice_isoflops": "runs.slices",
    "smallest_model": "decisions.allocation.contours",
    "smooth_loss": "runs.smoothing",
    "stop_or_go": "decisions.schedules.stopping",
    "suggest_laws": "decisions.suggestions",
    "thin_log": "runs.thinning",
}
_MODULES = ("datasets", "law_math", "laws")

__all__ = [*_PUBLIC, *_MODULES]  # noqa: PLE0604 - the keys are names

if TYPE_CHECKING:
    from scalefit import datasets as datasets
    from scalefit import law_math as law_math
    from scalefit.checks import Finding as Finding
    from scalefit.checks import RunsCheck as RunsCheck
    from scalefit.checks import check_runs as check_runs
    from scalefit.decisions.allocation.budget import Allocation as Allocation
    from scalefit.decisions.allocation.budget import allocate as allocate
    from scalefit.decisions.allocation.contours import IsoLoss as IsoLoss
    from scalefit.decisions.allocation.contours import SmallestModel as SmallestModel
    from scalefit.decisions.allocation.contours import iso_loss as iso_loss
    from scalefit.decisions.allocation.contours import smallest_model as smallest_model
    from scalefit.decisions.allocation.inputs import BestInputs as BestInputs
    from scalefit.decisions.allocation.inputs import best_inputs as best_inputs
    from scalefit.decisions.allocation.serving import InferenceAllocation as InferenceAllocation
    from scalefit.decisions.allocation.serving import allocate_inference as allocate_inference
    from scalefit.decisions.allocation.sizes import SizeComparison as SizeComparison
    from scalefit.decisions.allocation.sizes import compare_sizes as compare_sizes
    from scalefit.decisions.backtest import backtest as backtest
    from scalefit.decisions.backtest_comparison import BacktestComparison as BacktestComparison
    from scalefit.decisions.backtest_comparison import compare_backtests as compare_backtests
    from scalefit.decisions.backtest_result import Backtest as Backtest
    from scalefit.decisions.chain import Chain as Chain
    from scalefit.decisions.chain import Stage as Stage
    from scalefit.decisions.chain import chain as chain
    from scalefit.decisions.comparison.compare import compare as compare
    from scalefit.decisions.comparison.compare import compare_fits as compare_fits
    from scalefit.decisions.comparison.protocol import compare_protocol as compare_protocol
    from scalefit.decisions.comparison.protocol_result import ProtocolComparison as ProtocolComparison
    from scalefit.decisions.comparison.record import Comparison as Comparison
    from scalefit.decisions.coverage import Coverage as Coverage
    from scalefit.decisions.coverage import coverage as coverage
    from scalefit.decisions.crossover.find import find_crossover as find_crossover
    from scalefit.decisions.crossover.raw import RawCrossover as RawCrossover
    from scalefit.decisions.crossover.raw import find_raw_crossover as find_raw_crossover
    from scalefit.decisions.crossover.record import Crossover as Crossover
    from scalefit.decisions.curves.forecast import forecast_curves as forecast_curves
    from scalefit.decisions.curves.record import CurveForecast as CurveForecast
    from scalefit.decisions.families import fit_families as fit_families
    from scalefit.decisions.families_backtest import FamilyBacktest as FamilyBacktest
    from scalefit.decisions.families_backtest import backtest_families as backtest_families
    from scalefit.decisions.families_borrow import BorrowedFit as BorrowedFit
    from scalefit.decisions.families_borrow import borrow as borrow
    from scalefit.decisions.families_likelihood import SharingTest as SharingTest
    from scalefit.decisions.families_record import FamilyFit as FamilyFit
    from scalefit.decisions.forecast import forecast as forecast
    from scalefit.decisions.forecast_result import Forecast as Forecast
    from scalefit.decisions.identifiability import Identifiability as Identifiability
    from scalefit.decisions.identifiability import identifiability as identifiability
    from scalefit.decisions.influence import influence as influence
    from scalefit.decisions.isoflop.analysis import isoflop as isoflop
    from scalefit.decisions.isoflop.approaches import compare_approaches as compare_approaches
    from scalefit.decisions.isoflop.approaches_record import ApproachComparison as ApproachComparison
    from scalefit.decisions.isoflop.envelope import fit_envelope as fit_envelope
    from scalefit.decisions.isoflop.envelope_record import EnvelopeFit as EnvelopeFit
    from scalefit.decisions.isoflop.record import IsoFlop as IsoFlop
    from scalefit.decisions.isoflop.record import IsoFlops as IsoFlops
    from scalefit.decisions.law_comparison import LawComparison as LawComparison
    from scalefit.decisions.law_comparison import compare_laws as compare_laws
    from scalefit.decisions.planning.candidates import candidates as candidates
    from scalefit.decisions.planning.plan import plan_runs as plan_runs
    from scalefit.decisions.planning.record import RunPlan as RunPlan
    from scalefit.decisions.planning.target import Target as Target
    from scalefit.decisions.power.design import design_power as design_power
    from scalefit.decisions.power.record import DesignPower as DesignPower
    from scalefit.decisions.profiles import Profile as Profile
    from scalefit.decisions.profiles import profile as profile
    from scalefit.decisions.schedules.anneal import Annealing as Annealing
    from scalefit.decisions.schedules.anneal import anneal_now as anneal_now
    from scalefit.decisions.schedules.comparison import ScheduleComparison as ScheduleComparison
    from scalefit.decisions.schedules.comparison import compare_schedules as compare_schedules
    from scalefit.decisions.schedules.decay import DecayChoice as DecayChoice
    from scalefit.decisions.schedules.decay import best_decay as best_decay
    from scalefit.decisions.schedules.live import RestForecast as RestForecast
    from scalefit.decisions.schedules.live import forecast_rest as forecast_rest
    from scalefit.decisions.schedules.optimize import OptimizedSchedule as OptimizedSchedule
    from scalefit.decisions.schedules.optimize import optimize_schedule as optimize_schedule
    from scalefit.decisions.schedules.stopping import StopOrGo as StopOrGo
    from scalefit.decisions.schedules.stopping import stop_or_go as stop_or_go
    from scalefit.decisions.sensitivity import Sensitivity as Sensitivity
    from scalefit.decisions.sensitivity import sensitivity as sensitivity
    from scalefit.decisions.settings import SettingProfile as SettingProfile
    from scalefit.decisions.settings import profile_setting as profile_setting
    from scalefit.decisions.simulation import Noise as Noise
    from scalefit.decisions.simulation import simulate_runs as simulate_runs
    from scalefit.decisions.spending import Cost as Cost
    from scalefit.decisions.suggestions import suggest_laws as suggest_laws
    from scalefit.decisions.targets.records import Saturation as Saturation
    from scalefit.decisions.targets.records import TargetScale as TargetScale
    from scalefit.decisions.targets.saturation import find_saturation as find_saturation
    from scalefit.decisions.targets.scales import find_scale as find_scale
    from scalefit.definition import define_law as define_law
    from scalefit.definition import formula_law as formula_law
    from scalefit.derived import Derived as Derived
    from scalefit.derived import define_derived as define_derived
    from scalefit.errors import (
        ColumnError as ColumnError,
    )
    from scalefit.errors import (
        DataError as DataError,
    )
    from scalefit.errors import (
        DataWarning as DataWarning,
    )
    from scalefit.errors import (
        FitError as FitError,
    )
    from scalefit.errors import (
        FitWarning as FitWarning,
    )
    from scalefit.errors import (
        FormulaError as FormulaError,
    )
    from scalefit.errors import (
        LawError as LawError,
    )
    from scalefit.errors import (
        ScalefitError as ScalefitError,
    )
    from scalefit.errors import (
        ScalefitWarning as ScalefitWarning,
    )
    from scalefit.errors import (
        UnitWarning as UnitWarning,
    )
    from scalefit.estimation import fit as fit
    from scalefit.fitting.setup import LogPrior as LogPrior
    from scalefit.fitting.starts import Starts as Starts
    from scalefit.law import Derive as Derive
    from scalefit.law import Law as Law
    from scalefit.law import Published as Published
    from scalefit.laws import get_law as get_law
    from scalefit.laws import list_laws as list_laws
    from scalefit.many.fitting import fit_many as fit_many
    from scalefit.many.mapping import map_groups as map_groups
    from scalefit.many.record import GroupAnswers as GroupAnswers
    from scalefit.many.record import ManyFits as ManyFits
    from scalefit.many.store import load_fits as load_fits
    from scalefit.objectives import (
        Absolute as Absolute,
    )
    from scalefit.objectives import (
        Asymmetric as Asymmetric,
    )
    from scalefit.objectives import (
        Cauchy as Cauchy,
    )
    from scalefit.objectives import (
        Huber as Huber,
    )
    from scalefit.objectives import (
        Square as Square,
    )
    from scalefit.parameter import Param as Param
    from scalefit.parameter import exponent as exponent
    from scalefit.parameter import floor as floor
    from scalefit.parameter import real as real
    from scalefit.parameter import scale as scale
    from scalefit.plots.allocations import plot_allocation as plot_allocation
    from scalefit.plots.backtests import plot_backtest as plot_backtest
    from scalefit.plots.comparisons import plot_comparison as plot_comparison
    from scalefit.plots.comparisons import plot_protocol as plot_protocol
    from scalefit.plots.contours import plot_contours as plot_contours
    from scalefit.plots.crossovers import plot_crossover as plot_crossover
    from scalefit.plots.curves import plot_curve_forecast as plot_curve_forecast
    from scalefit.plots.draws import plot_draws as plot_draws
    from scalefit.plots.fits import plot_fit as plot_fit
    from scalefit.plots.forecasts import plot_forecast as plot_forecast
    from scalefit.plots.isoflops import plot_isoflop as plot_isoflop
    from scalefit.plots.plans import plot_run_plan as plot_run_plan
    from scalefit.plots.profiles import plot_profile as plot_profile
    from scalefit.plots.residuals import plot_residuals as plot_residuals
    from scalefit.plots.starts import plot_starts as plot_starts
    from scalefit.quantities import bits_per_byte as bits_per_byte
    from scalefit.reports.checklist import Checklist as Checklist
    from scalefit.reports.json import load_fit as load_fit
    from scalefit.result import Fit as Fit
    from scalefit.runs.cutting import cut_warmup as cut_warmup
    from scalefit.runs.divergence import find_divergence as find_divergence
    from scalefit.runs.envelope import compute_envelope as compute_envelope
    from scalefit.runs.extraction import extract_final_losses as extract_final_losses
    from scalefit.runs.flops import count_flops as count_flops
    from scalefit.runs.frame import read_runs as read_runs
    from scalefit.runs.grid import grid as grid
    from scalefit.runs.interpolation import interpolate_losses as interpolate_losses
    from scalefit.runs.merging import merge_steps as merge_steps
    from scalefit.runs.models.estimates import estimate_non_embedding_params as estimate_non_embedding_params
    from scalefit.runs.models.estimates import estimate_total_params as estimate_total_params
    from scalefit.runs.models.params import count_params as count_params
    from scalefit.runs.models.size import ModelSize as ModelSize
    from scalefit.runs.notes import notes_of as notes_of
    from scalefit.runs.readers.mlflow_store import read_mlflow as read_mlflow
    from scalefit.runs.readers.wandb_online import read_wandb as read_wandb
    from scalefit.runs.slices import slice_isoflops as slice_isoflops
    from scalefit.runs.smoothing import smooth_loss as smooth_loss
    from scalefit.runs.spikes import find_spikes as find_spikes
    from scalefit.runs.thinning import thin_log as thin_log
    from scalefit.schedules import Schedule as Schedule
    from scalefit.schedules import ScheduleShape as ScheduleShape
    from scalefit.schedules import recognize_schedule as recognize_schedule
    from scalefit.schedules import recognize_schedules as recognize_schedules
    from scalefit.uncertainty.jackknife import Jackknife as Jackknife
    from scalefit.uncertainty.lack_of_fit import LackOfFit as LackOfFit
    from scalefit.uncertainty.lack_of_fit import lack_of_fit as lack_of_fit
    from scalefit.uncertainty.noise import NoiseEstimate as NoiseEstimate
    from scalefit.uncertainty.noise import estimate_noise as estimate_noise
    from scalefit.uncertainty.pairing import joint_draws as joint_draws


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"scalefit.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"scalefit.{name}")
    raise AttributeError(f"module 'scalefit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
