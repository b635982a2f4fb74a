"""Public names and where they live; each is loaded at first use, so that ``import scalefit`` is quick."""

from . import datasets as datasets, law_math as law_math, laws as laws
from .checks import (
    Finding as Finding,
    RunsCheck as RunsCheck,
    check_runs as check_runs,
)
from .decisions.allocation.budget import (
    Allocation as Allocation,
    allocate as allocate,
)
from .decisions.allocation.contours import (
    IsoLoss as IsoLoss,
    SmallestModel as SmallestModel,
    iso_loss as iso_loss,
    smallest_model as smallest_model,
)
from .decisions.allocation.inputs import (
    BestInputs as BestInputs,
    best_inputs as best_inputs,
)
from .decisions.allocation.serving import (
    InferenceAllocation as InferenceAllocation,
    allocate_inference as allocate_inference,
)
from .decisions.allocation.sizes import (
    SizeComparison as SizeComparison,
    compare_sizes as compare_sizes,
)
from .decisions.backtest import backtest as backtest
from .decisions.backtest_comparison import (
    BacktestComparison as BacktestComparison,
    compare_backtests as compare_backtests,
)
from .decisions.backtest_result import Backtest as Backtest
from .decisions.chain import (
    Chain as Chain,
    Stage as Stage,
    chain as chain,
)
from .decisions.comparison.compare import (
    compare as compare,
    compare_fits as compare_fits,
)
from .decisions.comparison.protocol import compare_protocol as compare_protocol
from .decisions.comparison.protocol_result import ProtocolComparison as ProtocolComparison
from .decisions.comparison.record import Comparison as Comparison
from .decisions.coverage import (
    Coverage as Coverage,
    coverage as coverage,
)
from .decisions.crossover.find import find_crossover as find_crossover
from .decisions.crossover.raw import (
    RawCrossover as RawCrossover,
    find_raw_crossover as find_raw_crossover,
)
from .decisions.crossover.record import Crossover as Crossover
from .decisions.curves.forecast import forecast_curves as forecast_curves
from .decisions.curves.record import CurveForecast as CurveForecast
from .decisions.families import fit_families as fit_families
from .decisions.families_backtest import (
    FamilyBacktest as FamilyBacktest,
    backtest_families as backtest_families,
)
from .decisions.families_borrow import (
    BorrowedFit as BorrowedFit,
    borrow as borrow,
)
from .decisions.families_likelihood import SharingTest as SharingTest
from .decisions.families_record import FamilyFit as FamilyFit
from .decisions.forecast import forecast as forecast
from .decisions.forecast_result import Forecast as Forecast
from .decisions.identifiability import (
    Identifiability as Identifiability,
    identifiability as identifiability,
)
from .decisions.influence import influence as influence
from .decisions.isoflop.analysis import isoflop as isoflop
from .decisions.isoflop.approaches import compare_approaches as compare_approaches
from .decisions.isoflop.approaches_record import ApproachComparison as ApproachComparison
from .decisions.isoflop.envelope import fit_envelope as fit_envelope
from .decisions.isoflop.envelope_record import EnvelopeFit as EnvelopeFit
from .decisions.isoflop.record import (
    IsoFlop as IsoFlop,
    IsoFlops as IsoFlops,
)
from .decisions.law_comparison import (
    LawComparison as LawComparison,
    compare_laws as compare_laws,
)
from .decisions.planning.candidates import candidates as candidates
from .decisions.planning.plan import plan_runs as plan_runs
from .decisions.planning.record import RunPlan as RunPlan
from .decisions.planning.target import Target as Target
from .decisions.power.design import design_power as design_power
from .decisions.power.record import DesignPower as DesignPower
from .decisions.profiles import (
    Profile as Profile,
    profile as profile,
)
from .decisions.schedules.anneal import (
    Annealing as Annealing,
    anneal_now as anneal_now,
)
from .decisions.schedules.comparison import (
    ScheduleComparison as ScheduleComparison,
    compare_schedules as compare_schedules,
)
from .decisions.schedules.decay import (
    DecayChoice as DecayChoice,
    best_decay as best_decay,
)
from .decisions.schedules.live import (
    RestForecast as RestForecast,
    forecast_rest as forecast_rest,
)
from .decisions.schedules.optimize import (
    OptimizedSchedule as OptimizedSchedule,
    optimize_schedule as optimize_schedule,
)
from .decisions.schedules.stopping import (
    StopOrGo as StopOrGo,
    stop_or_go as stop_or_go,
)
from .decisions.sensitivity import (
    Sensitivity as Sensitivity,
    sensitivity as sensitivity,
)
from .decisions.settings import (
    SettingProfile as SettingProfile,
    profile_setting as profile_setting,
)
from .decisions.simulation import (
    Noise as Noise,
    simulate_runs as simulate_runs,
)
from .decisions.spending import Cost as Cost
from .decisions.suggestions import suggest_laws as suggest_laws
from .decisions.targets.records import (
    Saturation as Saturation,
    TargetScale as TargetScale,
)
from .decisions.targets.saturation import find_saturation as find_saturation
from .decisions.targets.scales import find_scale as find_scale
from .definition import (
    define_law as define_law,
    formula_law as formula_law,
)
from .derived import (
    Derived as Derived,
    define_derived as define_derived,
)
from .errors import (
    ColumnError as ColumnError,
    DataError as DataError,
    DataWarning as DataWarning,
    FitError as FitError,
    FitWarning as FitWarning,
    FormulaError as FormulaError,
    LawError as LawError,
    ScalefitError as ScalefitError,
    ScalefitWarning as ScalefitWarning,
    UnitWarning as UnitWarning,
)
from .estimation import fit as fit
from .fitting.setup import LogPrior as LogPrior
from .fitting.starts import Starts as Starts
from .law import (
    Derive as Derive,
    Law as Law,
    Published as Published,
)
from .laws import (
    get_law as get_law,
    list_laws as list_laws,
)
from .many.answers import load_answers as load_answers
from .many.fitting import fit_many as fit_many
from .many.mapping import map_groups as map_groups
from .many.record import (
    GroupAnswers as GroupAnswers,
    ManyFits as ManyFits,
)
from .many.store import load_fits as load_fits
from .objectives import (
    Absolute as Absolute,
    Asymmetric as Asymmetric,
    Cauchy as Cauchy,
    Huber as Huber,
    Square as Square,
)
from .parameter import (
    Param as Param,
    exponent as exponent,
    floor as floor,
    real as real,
    scale as scale,
)
from .plots.allocations import plot_allocation as plot_allocation
from .plots.backtests import plot_backtest as plot_backtest
from .plots.comparisons import (
    plot_comparison as plot_comparison,
    plot_protocol as plot_protocol,
)
from .plots.contours import plot_contours as plot_contours
from .plots.crossovers import plot_crossover as plot_crossover
from .plots.curves import plot_curve_forecast as plot_curve_forecast
from .plots.draws import plot_draws as plot_draws
from .plots.fits import plot_fit as plot_fit
from .plots.forecasts import plot_forecast as plot_forecast
from .plots.isoflops import plot_isoflop as plot_isoflop
from .plots.plans import plot_run_plan as plot_run_plan
from .plots.profiles import plot_profile as plot_profile
from .plots.residuals import plot_residuals as plot_residuals
from .plots.starts import plot_starts as plot_starts
from .quantities import bits_per_byte as bits_per_byte
from .reports.checklist import Checklist as Checklist
from .reports.json import load_fit as load_fit
from .result import Fit as Fit
from .runs.cutting import cut_warmup as cut_warmup
from .runs.divergence import find_divergence as find_divergence
from .runs.envelope import compute_envelope as compute_envelope
from .runs.extraction import extract_final_losses as extract_final_losses
from .runs.flops import count_flops as count_flops
from .runs.frame import read_runs as read_runs
from .runs.grid import grid as grid
from .runs.interpolation import interpolate_losses as interpolate_losses
from .runs.merging import merge_steps as merge_steps
from .runs.models.estimates import (
    estimate_non_embedding_params as estimate_non_embedding_params,
    estimate_total_params as estimate_total_params,
)
from .runs.models.params import count_params as count_params
from .runs.models.size import ModelSize as ModelSize
from .runs.notes import notes_of as notes_of
from .runs.readers.mlflow_store import read_mlflow as read_mlflow
from .runs.readers.wandb_online import read_wandb as read_wandb
from .runs.slices import slice_isoflops as slice_isoflops
from .runs.smoothing import smooth_loss as smooth_loss
from .runs.spikes import find_spikes as find_spikes
from .runs.thinning import thin_log as thin_log
from .schedules import (
    Schedule as Schedule,
    ScheduleShape as ScheduleShape,
    recognize_schedule as recognize_schedule,
    recognize_schedules as recognize_schedules,
)
from .uncertainty.jackknife import Jackknife as Jackknife
from .uncertainty.lack_of_fit import (
    LackOfFit as LackOfFit,
    lack_of_fit as lack_of_fit,
)
from .uncertainty.noise import (
    NoiseEstimate as NoiseEstimate,
    estimate_noise as estimate_noise,
)
from .uncertainty.pairing import joint_draws as joint_draws

__version__: str
