"""What a step remembers of the rates before it, against sums over every step."""

import numpy as np
import pytest
from scipy.signal import lfilter

from peak_memory import MOST_MIB, peak_of
from scalefit.laws.functional import noise_left, remembered_noise
from scalefit.laws.multi_power import remembered_drops, saved_by_drops
from scalefit.schedules import Schedule, annealing_area
from scalefit.schedules.areas import faded_sums
from scalefit.schedules.memory import PARTS, remembered_steps

#: C, beta, gamma of the Multi-Power Law (Luo et al. 2025, 100M parameters), and at the best fit to their curves.
SHAPES = [(2.13245612, 0.59785199, 0.65523644), (0.0019298, 0.24475, 1.35855)]
SIZES = [437.9, 637.0]


def cycles(steps=6000, period=700):
    """Warm restarts: half a cosine from the peak to a hundredth, again and again."""
    place = (np.arange(steps + 1) % period) / period
    return 3e-4 * (0.505 + 0.495 * np.cos(np.pi * place))


def rounded(digits=3):
    """A cosine as a log prints it, with few digits and a warm-up."""
    rates = Schedule.cosine(steps=8000, peak=3e-4, warmup=500, end=3e-5).rates
    return np.array([float(f"{rate:.{digits - 1}e}") for rate in rates])


def jittered(size=1e-5):
    """A constant rate that a log gives with noise."""
    return 3e-4 * (1 + size * np.random.default_rng(0).standard_normal(5001))


RATES = {
    "constant": Schedule.constant(steps=8000, peak=3e-4, warmup=500).rates,
    "constant without warm-up": np.full(3001, 3e-4),
    "cosine": Schedule.cosine(steps=8000, peak=3e-4, warmup=500, end=3e-5).rates,
    "cosine to zero": Schedule.cosine(steps=8000, peak=3e-4, warmup=500).rates,
    "wsd": Schedule.wsd(steps=8000, peak=3e-4, warmup=500, decay_start=6000, end=3e-6, shape="exp").rates,
    "linear to zero, and on": np.append(
        Schedule.wsd(steps=4000, peak=3e-4, warmup=200, decay_start=3000).rates, np.zeros(400)
    ),
    "multistep": Schedule.multistep(
        steps=6000, peak=3e-4, warmup=500, milestones=[3000, 4500], values=[9e-5, 3e-5]
    ).rates,
    "cyclic": cycles(),
    "rounded": rounded(),
    "jittered": jittered(),
    "a pause": np.concatenate([np.full(1000, 3e-4), np.zeros(100), np.full(1000, 1e-4)]),
}


def drops_of(rates):
    return -np.diff(rates, prepend=rates[:1])


def summed(rates, weights, step, function):
    """The sum over every step up to one, of the weight times a function of the rate and the area since."""
    k = np.flatnonzero(weights[: step + 1])
    area = np.array([rates[j : step + 1].sum() for j in k])
    return float(np.sum(weights[k] * function(rates[k], area))) if len(k) else 0.0


def saved(C, beta, gamma):
    """What a drop saves; nothing where no area has followed it."""

    def share(rate, area):
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = np.where(area > 0, C * rate**-gamma * area, 0.0)
        return 1 - (1 + grown) ** -beta

    return share


def left(beta, k):
    """What is left of noise after an area, whatever the rate was."""
    return lambda _, area: (1 + k * area) ** (1 / beta - 2)


@pytest.mark.parametrize("name", RATES)
def test_what_drops_have_saved_is_the_sum_over_every_step_to_a_few_1e_5_nats(name):
    rates = RATES[name]
    steps = np.unique(np.linspace(len(rates) // 10, len(rates) - 1, 12).astype(int))
    told = remembered_drops(rates, steps, width=0.2)
    for (C, beta, gamma), size in zip(SHAPES, SIZES, strict=True):
        seen = size * saved_by_drops(told["drops"], C, beta, gamma)[0]
        exact = [size * summed(rates, drops_of(rates), step, saved(C, beta, gamma)) for step in steps]
        # Many restarts are many drops, of which each is off a little.
        np.testing.assert_allclose(seen, exact, rtol=0, atol=3e-4 if name == "cyclic" else 5e-5)
    np.testing.assert_allclose(told["S1"], [rates[: step + 1].sum() for step in steps], rtol=1e-12)


@pytest.mark.parametrize("name", ["constant", "cosine to zero", "multistep", "cyclic", "a pause"])
def test_noise_that_is_left_is_the_sum_over_every_step(name):
    rates = RATES[name]
    steps = np.unique(np.linspace(len(rates) // 10, len(rates) - 1, 12).astype(int))
    told = remembered_noise(rates, steps, width=0.1)
    for beta, k in ((1.3, 20.0), (2.5, 300.0)):
        exact = [summed(rates, rates**2, step, left(beta, k)) for step in steps]
        np.testing.assert_allclose(noise_left(told["noise"], beta, k)[0], exact, rtol=2e-3)


@pytest.mark.parametrize("name", ["cosine", "multistep", "cyclic"])
def test_narrower_groups_are_nearer_to_the_sum_by_the_square_of_their_width(name):
    rates, (C, beta, gamma) = RATES[name], SHAPES[0]
    steps = np.arange(1000, len(rates), 500)
    exact = np.array([summed(rates, drops_of(rates), step, saved(C, beta, gamma)) for step in steps])
    far = {}
    for width in (0.8, 0.2, 0.05):
        told = remembered_drops(rates, steps, width=width)["drops"]
        far[width] = np.abs(saved_by_drops(told, C, beta, gamma)[0] - exact).max()
    assert far[0.2] < far[0.8] / 6
    assert far[0.05] < far[0.2] / 6


def test_a_group_holds_the_whole_weight_of_its_steps():
    rates = RATES["rounded"]
    steps = np.arange(600, 8001, 400)
    groups = remembered_steps(rates, drops_of(rates), steps, width=0.2).reshape(len(steps), -1, PARTS)
    np.testing.assert_allclose(groups[..., 0].sum(axis=1), rates[0] - rates[steps], rtol=1e-9, atol=1e-15)


def test_groups_are_few_however_long_the_log_and_however_it_jitters():
    for name, most in (("constant", 60), ("cosine", 110), ("jittered", 110), ("rounded", 110), ("cyclic", 250)):
        rates = RATES[name]
        told = remembered_steps(rates, drops_of(rates), [len(rates) - 1], width=0.2)
        assert told.shape[1] // PARTS < most, name
    longer = Schedule.cosine(steps=1_000_000, peak=3e-4, warmup=500, end=3e-5).rates
    assert remembered_steps(longer, drops_of(longer), [1_000_000], width=0.2).shape[1] // PARTS < 160


@pytest.mark.parametrize("name", ["cosine", "cyclic", "a pause"])
def test_a_row_has_the_same_bits_alone_and_among_others(name):
    rates = RATES[name]
    steps = np.arange(0, len(rates), 97)
    together = remembered_steps(rates, drops_of(rates), steps, width=0.2)
    for row in range(0, len(steps), 7):
        alone = remembered_steps(rates, drops_of(rates), steps[[row]], width=0.2)[0]
        np.testing.assert_array_equal(together[row][: len(alone)], alone)
        assert not together[row][len(alone) :: PARTS].any()


def test_many_rows_have_the_bits_of_few():
    rates = RATES["cosine"]
    steps = np.arange(8001)  # so many that they are looked at in several blocks
    together = remembered_steps(rates, drops_of(rates), steps, width=0.05)
    some = remembered_steps(rates, drops_of(rates), steps[5000:5010], width=0.05)
    np.testing.assert_array_equal(together[5000:5010, : some.shape[1]], some)


def test_rows_out_of_order_and_twice_have_their_own_histories():
    rates = RATES["wsd"]
    steps = np.array([7000, 900, 7000, 8000])
    told = remembered_steps(rates, drops_of(rates), steps, width=0.2)
    again = remembered_steps(rates, drops_of(rates), np.sort(steps), width=0.2)
    np.testing.assert_array_equal(told, again[[1, 0, 2, 3]])


def test_steps_that_weigh_nothing_are_not_remembered():
    told = remembered_steps(np.ones(5), np.zeros(5), [0, 4], width=0.2)
    assert told.tolist() == [[0.0, 1.0, 0.0]] * 2
    assert saved_by_drops(told, 1.0, 0.5, 0.5).tolist() == [[0.0, 0.0]]


def test_rates_of_zero_alone_are_no_error():
    told = remembered_drops(np.zeros(5), np.array([0, 4]), width=0.2)
    assert told["S1"].tolist() == [0.0, 0.0]
    assert saved_by_drops(told["drops"], 1.0, 0.5, 0.5).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(("C", "beta", "gamma"), SHAPES)
def test_a_drop_to_zero_saves_nothing_until_the_rate_is_above_zero_again(C, beta, gamma):
    rates = np.concatenate([np.full(100, 1e-3), np.zeros(50), np.full(50, 1e-4)])
    steps = np.arange(90, 200)
    gained = saved_by_drops(remembered_drops(rates, steps, width=0.2)["drops"], C, beta, gamma)[0]
    assert not gained[steps < 150].any()
    assert (gained[steps >= 150] > 0).all()
    # One step on, the drop to zero counts in full, and the rise from zero as a negative drop.
    rise = 1e-4 * (1 - (1 + C * 1e-4**-gamma * 1e-4) ** -beta)
    assert gained[steps == 150][0] == pytest.approx(1e-3 - rise, rel=1e-3)


def test_a_rate_that_stays_at_zero_after_a_decay_changes_nothing_more():
    rates = RATES["linear to zero, and on"]
    steps = np.arange(4000, 4401, 40)
    for C, beta, gamma in SHAPES:
        seen = saved_by_drops(remembered_drops(rates, steps, width=0.2)["drops"], C, beta, gamma)[0]
        np.testing.assert_allclose(seen, seen[0], rtol=1e-12)


@pytest.mark.slow
def test_a_hundred_thousand_rows_of_as_many_steps_fit_into_a_gigabyte():
    call = (
        "import numpy as np\n"
        "from scalefit.schedules import Schedule\n"
        "from scalefit.laws.multi_power import remembered_drops\n"
        "rates = Schedule.cosine(steps=100_000, peak=3e-4, warmup=2000, end=3e-5).rates\n"
        "told = remembered_drops(rates, np.arange(1, 100_001), width=0.2)\n"
        "assert told['drops'].shape[0] == 100_000\n"
    )
    assert peak_of(call) < MOST_MIB


@pytest.mark.parametrize("steps", [1, 255, 256, 257, 3000])
@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999, 0.99999])
def test_faded_sums_are_those_of_a_recursive_filter(steps, decay):
    values = np.random.default_rng(0).standard_normal(steps)
    exact = lfilter([1.0], [1.0, -decay], values)
    np.testing.assert_allclose(faded_sums(values, decay), exact, rtol=0, atol=1e-13 * np.abs(exact).max())


def test_the_annealing_area_is_its_definition():
    rates, decay = RATES["cosine"][:800], 0.99
    momentum, area = 0.0, [0.0]
    for i in range(1, 800):
        momentum = decay * momentum + rates[i - 1] - rates[i]
        area.append(area[-1] + momentum)
    np.testing.assert_allclose(annealing_area(rates, decay=decay), area, rtol=1e-12, atol=1e-15)
