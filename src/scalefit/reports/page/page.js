"use strict";
(() => {
  const smaller = (a, b) => (a <= b ? a : b);
  const larger = (a, b) => (a > b ? a : b);
  const logAddExp = (a, b) => larger(a, b) + Math.log1p(Math.exp(smaller(a, b) - larger(a, b)));
  const sigmoid = (a) => (a > 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));
  const LAW = /* the law */;
  const told = JSON.parse(document.getElementById("law").textContent);
  const sign = told.higher ? -1 : 1;
  const estimates = told.theta;

  // ---- numbers in words
  const plain = (value, digits) => {
    if (!Number.isFinite(value)) return "no value";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e6 || size < 1e-4)) {
      const [head, power] = value.toExponential(digits - 1).split("e");
      return `${head}e${Number(power)}`;
    }
    return value.toPrecision(digits);
  };
  const short = (value) => {
    const text = value.toPrecision(3);
    return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? Number(text).toExponential().replace("e+", "e") : String(Number(text));
  };

  // ---- the law
  const quantile = (sorted, share) => {
    const place = share * (sorted.length - 1), below = Math.floor(place), above = Math.ceil(place);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  };
  const interval = (values) => {
    if (values.length < 2 || values.some(Number.isNaN)) return null;
    const sorted = Float64Array.from(values).sort();
    return [quantile(sorted, 0.5 - told.level / 2), quantile(sorted, 0.5 + told.level / 2)];
  };
  const beyond = (x) => told.inputs.reduce((worst, input, k) => {
    const over = x[k] > input.high ? (input.high > 0 ? x[k] / input.high : Infinity) : 1;
    const under = x[k] < input.low ? (x[k] > 0 ? input.low / x[k] : Infinity) : 1;
    return Math.max(worst, over, under);
  }, 1);

  // ---- the best split of a budget: a grid over sizes, then the root of the slope in the log of the size
  const spent = (x, logSize, budget) => {
    const out = x.slice();
    out[told.size] = Math.exp(logSize);
    out[told.tokens] = budget / 6 / out[told.size];
    return out;
  };
  const PER_DECADE = 12, HALVINGS = 60, STEP = 0.01;
  const bestSplit = (x, budget, p) => {
    const value = (place) => sign * LAW(spent(x, place, budget), p);
    const near = told.sizes.map(Math.log);
    for (const reach of [1e5, 1e10]) {
      const low = near[0] - Math.log(reach), high = near[1] + Math.log(reach);
      const count = Math.ceil((high - low) / Math.LN10 * PER_DECADE) + 1, width = (high - low) / (count - 1);
      const seen = Array.from({ length: count }, (_, k) => value(low + k * width));
      let best = null;
      for (let k = 1; k < count - 1; k++) {
        if (!(seen[k] <= seen[k - 1] && seen[k] <= seen[k + 1])) continue;
        if (!(seen[k] < seen[k - 1] || seen[k] < seen[k + 1])) continue;
        const place = low + k * width, away = Math.max(near[0] - place, place - near[1], 0);
        if (!best || away < best.away || (away === best.away && seen[k] < best.value)) best = { place, away, value: seen[k] };
      }
      if (best) return lowest(value, best.place - width, best.place + width);
    }
    return NaN;
  };
  const lowest = (value, low, high) => {
    const slope = (at) =>
      (value(at - 2 * STEP) - 8 * value(at - STEP) + 8 * value(at + STEP) - value(at + 2 * STEP)) / (12 * STEP);
    for (let k = 0; k < HALVINGS; k++) {
      const middle = (low + high) / 2;
      if (slope(middle) > 0) high = middle; else low = middle;
    }
    return (low + high) / 2;
  };

  // ---- the smallest scale at which a value is reached
  const FARTHEST = 1e30;
  const firstReached = (value, goal, start, end, perDecade) => {
    const short = (place) => sign * (value(Math.exp(place)) - goal);
    const low = Math.log(start), high = Math.log(end) + Math.log(FARTHEST);
    const count = Math.ceil((high - low) / Math.LN10 * perDecade) + 1, width = (high - low) / (count - 1);
    if (short(low) <= 0) return start;
    for (let k = 1; k < count; k++) {
      let right = low + k * width, left = right - width;
      if (!(short(right) <= 0)) continue;
      for (let j = 0; j < HALVINGS; j++) {
        const middle = (left + right) / 2;
        if (short(middle) <= 0) right = middle; else left = middle;
      }
      return Math.exp(right);
    }
    return Infinity;
  };

  // ---- the page
  const say = (id, text, value) => {
    const place = document.getElementById(id);
    if (!place) return;
    place.textContent = text;
    place.dataset.value = String(value);
  };
  const farText = (far) => (far > told.inside ? `${short(far)} times beyond what was fitted` : "inside what was fitted");
  const current = () => told.inputs.map((_, k) => Number(document.getElementById(`box-${k}`).value));
  const showPrediction = () => {
    const x = current(), value = LAW(x, estimates), ends = interval(told.draws.map((p) => LAW(x, p)));
    say("prediction", plain(value, 6), value);
    say("prediction-low", ends ? plain(ends[0], 6) : "unknown", ends ? ends[0] : NaN);
    say("prediction-high", ends ? plain(ends[1], 6) : "unknown", ends ? ends[1] : NaN);
    const far = beyond(x);
    say("prediction-beyond", farText(far), far);
  };
  const showBudget = () => {
    const box = document.getElementById("box-budget");
    if (!box) return;
    const budget = Number(box.value), x = current(), place = bestSplit(x, budget, estimates);
    const best = spent(x, place, budget), value = LAW(best, estimates);
    say("budget-size", plain(best[told.size], 6), best[told.size]);
    say("budget-tokens", plain(best[told.tokens], 6), best[told.tokens]);
    say("budget-ratio", plain(best[told.tokens] / best[told.size], 6), best[told.tokens] / best[told.size]);
    say("budget-value", plain(value, 6), value);
    const far = Math.max(budget / told.budget.high, told.budget.low / budget, beyond(best), 1);
    say("budget-beyond", farText(far), far);
  };
  const showTarget = () => {
    const box = document.getElementById("box-target");
    if (!box) return;
    const goal = Number(box.value), x = current();
    const { low, high } = told.budget || told.inputs[told.along];
    const along = told.budget
      ? (budget) => LAW(spent(x, bestSplit(x, budget, estimates), budget), estimates)
      : (place) => LAW(x.map((value, k) => (k === told.along ? place : value)), estimates);
    const scale = firstReached(along, goal, low, high, told.budget ? 4 : 40);
    const words = scale === low ? `${plain(low, 6)} or less` : plain(scale, 6);
    say("target-scale", Number.isFinite(scale) ? words : "no amount, by this law", scale);
  };
  const show = () => { showPrediction(); showBudget(); showTarget(); };

  const bind = (slider) => {
    const box = document.getElementById(slider.dataset.box), logs = slider.dataset.scale === "log";
    const toSlider = () => { slider.value = String(logs ? Math.log10(Number(box.value)) : Number(box.value)); };
    slider.addEventListener("input", () => {
      const value = logs ? 10 ** Number(slider.value) : Number(slider.value);
      box.value = short(Number(value.toPrecision(3)));
      show();
    });
    box.addEventListener("input", () => { toSlider(); show(); });
    toSlider();
  };
  document.querySelectorAll("input[type=range]").forEach(bind);
  document.documentElement.classList.add("scripted");
  show();
})();
