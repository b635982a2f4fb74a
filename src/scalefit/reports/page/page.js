"use strict";
(() => {
  const smaller = (a, b) => (a <= b ? a : b);
  const larger = (a, b) => (a > b ? a : b);
  const logAddExp = (a, b) => larger(a, b) + Math.log1p(Math.exp(smaller(a, b) - larger(a, b)));
  const sigmoid = (a) => (a > 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));
  const LAW = /* the law */;
  const told = JSON.parse(document.getElementById("law").textContent);
  const estimates = told.theta, draws = told.draws;
  const split = told.split || null, target = told.target || null;

  // ---- numbers in words, as Python writes them
  const plain = (value, digits) => {
    if (!Number.isFinite(value)) return "no value";
    const size = Math.abs(value);
    const text = size !== 0 && (size >= 1e6 || size < 1e-4) ? value.toExponential(digits - 1) : value.toPrecision(digits);
    return text.replace("e+", "e");
  };
  const short = (value) => {
    const text = value.toPrecision(3);
    return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? Number(text).toExponential().replace("e+", "e") : String(Number(text));
  };
  const percent = (share) => {
    if ((share > 0 && share < 0.01) || (share > 0.99 && share < 1)) {
      return `${Number(Math.min(Math.max(100 * share, 0.1), 99.9).toPrecision(3))} %`;
    }
    return `${Math.round(100 * share)} %`;
  };
  const farText = (far) => (far > told.inside ? `${short(far)} times beyond what was fitted` : "inside what was fitted");

  // ---- from draws to intervals: the quantiles of sf.predict, of sf.allocate and of sf.find_scale
  const SHARES = [0.5 - told.level / 2, 0.5 + told.level / 2];
  const UNKNOWN = [NaN, NaN];
  const inOrder = (values) => Float64Array.from(values).sort();
  const between = (sorted, share) => {
    const place = share * (sorted.length - 1), below = Math.floor(place), above = Math.ceil(place);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  };
  const everyDraw = (values) => (values.length < 2 || values.some(Number.isNaN) ? UNKNOWN : SHARES.map((q) => between(inOrder(values), q)));
  const knownDraws = (values) => {
    const known = inOrder(values.filter((value) => !Number.isNaN(value)));
    if (!known.length || known.length < (1 - told.most_undefined) * values.length) return UNKNOWN;
    return SHARES.map((q) => between(known, q));
  };
  const inLogs = (values) => {
    if (!values.length) return UNKNOWN;
    const sorted = inOrder(values), last = sorted.length - 1;
    return SHARES.map((q, outer) => {
      const place = q * last, k = Math.max(Math.min(Math.floor(place), last - 1), 0), part = place - k;
      const pair = [sorted[k], sorted[Math.min(k + 1, last)]];
      if (pair.every(Number.isFinite) && pair[0] < pair[1]) return Math.exp((1 - part) * Math.log(pair[0]) + part * Math.log(pair[1]));
      return pair[part > 0 && part < 1 ? outer : Math.round(part)];
    });
  };

  // ---- how far past the rows fitted
  const past = (value, { low, high }) =>
    Math.max(value > high ? (high > 0 ? value / high : Infinity) : 1, value < low ? (value > 0 ? low / value : Infinity) : 1);
  const beyond = (x) => told.inputs.reduce((worst, input, k) => Math.max(worst, past(x[k], input)), 1);

  // ---- the best split of a budget: valleys on a grid over sizes, then the root of the slope in the log of the size
  const PER_DECADE = 6, STEP = 0.01, CLOSE = 1e-6, NEWTON = 15, MOST = 60, DEPTH = 1e-12, NEAR = 0.5;
  const spend = (x, logSize, budget) => {
    x[split.size] = Math.exp(logSize);
    x[split.tokens] = budget / 6 / x[split.size];
    return x;
  };
  const lowest = (value, low, high) => {
    let place = (low + high) / 2, left = low, right = high;
    for (let k = 0; k < MOST; k++) {
      const a = value(place - 2 * STEP), b = value(place - STEP), c = value(place), d = value(place + STEP), e = value(place + 2 * STEP);
      const slope = (a - 8 * b + 8 * d - e) / (12 * STEP), bend = (16 * (b + d) - a - e - 30 * c) / (12 * STEP * STEP);
      if (slope > 0) right = place; else left = place;
      let next = place - slope / bend;
      if (!(bend > 0 && next >= left && next <= right) || k > NEWTON) next = (left + right) / 2;
      const moved = Math.abs(next - place);
      place = next;
      if (moved < CLOSE) break;
    }
    return place;
  };
  const bestSplit = (given, budget, p, near) => {
    const x = given.slice(), sign = told.higher ? -1 : 1;
    const value = (place) => {
      const seen = sign * LAW(spend(x, place, budget), p);
      return Number.isFinite(seen) ? seen : Infinity;
    };
    if (Number.isFinite(near)) {
      const found = lowest(value, near - NEAR, near + NEAR);
      if (Math.abs(found - near) < NEAR - STEP) return found;
    }
    const [first, last] = split.sizes.map(Math.log);
    for (const reach of split.reach) {
      const low = first - Math.log(reach), high = last + Math.log(reach);
      const count = Math.ceil((high - low) / Math.LN10 * PER_DECADE) + 1, width = (high - low) / (count - 1);
      let best = null, before = value(low), here = value(low + width);
      for (let k = 1; k < count - 1; k++) {
        const after = value(low + (k + 1) * width);
        if (here <= before && here <= after && (here < before || here < after)) {
          const place = low + k * width, away = Math.max(first - place, place - last, 0);
          const shallow = !split.closed && !(Math.max(before, after) - here > DEPTH * Math.abs(here));
          if (!best || away < best.away || (away === best.away && here < best.here)) best = { place, away, here, shallow };
        }
        before = here;
        here = after;
      }
      if (best) return best.shallow ? NaN : lowest(value, best.place - width, best.place + width);
    }
    return NaN;
  };

  // ---- the smallest scale at which a value is reached: the first place where the gap is closed, then its root before it
  const ROUNDS = 80, CLOSED = 1e-12;
  const root = (gap, left, right, before, after) => {
    let kept = 0;
    for (let k = 0; k < ROUNDS && right - left > CLOSED; k++) {
      let middle = right - after * (right - left) / (after - before);
      if (!(middle > left && middle < right)) middle = (left + right) / 2;
      const here = gap(middle, true);
      if (here <= 0) {
        right = middle; after = here;
        if (kept === 1) before /= 2;
        kept = 1;
      } else {
        left = middle; before = Number.isFinite(here) ? here : 1;
        if (kept === -1) after /= 2;
        kept = -1;
      }
    }
    return right;
  };
  const firstReached = (gap) => {
    const places = target.places;
    let before = NaN;
    for (let k = 0; k < places.length; k++) {
      const here = gap(Math.log(places[k]));
      if (here <= 0) {
        if (k === 0) return places[0];
        return Math.exp(root(gap, Math.log(places[k - 1]), Math.log(places[k]), Number.isFinite(before) ? before : 1, here));
      }
      before = here;
    }
    return Infinity;
  };
  const scaleFor = (x, goal, p) => {
    const sign = target.grows ? -1 : 1;
    if (!split) return firstReached((place) => sign * (LAW(x.map((value, k) => (k === told.along ? Math.exp(place) : value)), p) - goal));
    const free = x.slice();
    let one = null, two = null;  // the last two budgets with their best sizes: the next one lies on their line
    return firstReached((place, closing = false) => {
      const near = two && (closing || split.closed) ? two.size + (one.size - two.size) * (place - two.place) / (one.place - two.place) : NaN;
      const budget = Math.exp(place), size = bestSplit(x, budget, p, near);
      if (!one || Math.abs(one.place - place) > CLOSE) [two, one] = [one, { place, size }];
      return sign * (LAW(spend(free, size, budget), p) - goal);
    });
  };

  // ---- the page
  const say = (id, text, value) => {
    const place = document.getElementById(id);
    if (!place) return;
    place.textContent = text;
    if (value !== undefined) place.dataset.value = String(value);
  };
  const number = (id, value) => say(id, plain(value, told.digits), value);
  const DIGITS = told.digits - 2;
  const sayEnds = (id, [low, high], { more = "", first = NaN } = {}) => {
    const place = document.getElementById(`${id}-ends`);
    if (!place) return;
    const end = (value) => (value === Infinity ? "no amount" : value === first ? `${plain(value, DIGITS)} or less` : plain(value, DIGITS));
    const words = Number.isNaN(low) ? "no interval" : `${100 * told.level} %: ${low === Infinity || low === high ? end(low) : `${end(low)} to ${end(high)}`}`;
    place.textContent = words + more;
    place.removeAttribute("aria-busy");
    Object.assign(place.dataset, { low: String(low), high: String(high) });
  };
  const wait = (...ids) => ids.forEach((id) => {
    const place = document.getElementById(`${id}-ends`);
    if (!place || !draws.length) return;
    if (place.dataset.low) place.textContent = `${100 * told.level} %: …`;  // before that it is Python's own
    place.setAttribute("aria-busy", "true");
  });
  const typed = (id) => (document.getElementById(id) ? Number(document.getElementById(id).value) : NaN);
  const current = () => told.inputs.map((_, k) => typed(`box-${k}`));

  const showPrediction = (x) => {
    number("prediction", LAW(x, estimates));
    sayEnds("prediction", everyDraw(draws.map((p) => LAW(x, p))));
    const far = beyond(x);
    say("prediction-beyond", farText(far), far);
  };
  const BUDGET = ["budget-size", "budget-tokens", "budget-ratio", "budget-value"];
  const answerBudget = (x, budget, p) => {
    const best = spend(x.slice(), bestSplit(x, budget, p), budget), size = best[split.size], tokens = best[split.tokens];
    return [size, tokens, tokens / size, LAW(best, p)];
  };
  const costs = (x) => past(6 * x[split.size] * x[split.tokens], split.budget);
  const showBudget = (x, budget) => {
    const answer = answerBudget(x, budget, estimates), best = x.slice();
    BUDGET.forEach((id, k) => number(id, answer[k]));
    [best[split.size], best[split.tokens]] = answer;
    const far = Math.max(costs(best), beyond(best));
    say("budget-beyond", farText(far), far);
  };
  const budgetTask = (x, budget) => {
    const seen = BUDGET.map(() => []);
    return {
      one: (p) => answerBudget(x, budget, p).forEach((value, k) => seen[k].push(value)),
      done: () => {
        const none = seen[0].filter(Number.isNaN).length / seen[0].length;
        BUDGET.forEach((id, k) => sayEnds(id, knownDraws(seen[k]), { more: none > 0 && k === 0 ? `; no best size in ${percent(none)} of the draws` : "" }));
      },
    };
  };
  const showTarget = (x, goal) => {
    const scale = scaleFor(x, goal, estimates), first = target.places[0];
    const words = scale === first ? `${plain(first, told.digits)} or less` : plain(scale, told.digits);
    say("target-scale", Number.isFinite(scale) ? words : "no amount, by this law", scale);
    const there = split ? spend(x.slice(), bestSplit(x, scale, estimates), scale) : x.map((value, k) => (k === told.along ? scale : value));
    const far = Number.isFinite(scale) ? Math.max(beyond(there), split ? costs(there) : 1) : NaN;
    say("target-beyond", Number.isFinite(far) ? farText(far) : "", far);
  };
  const targetTask = (x, goal) => {
    const seen = [];
    return {
      one: (p) => seen.push(scaleFor(x, goal, p)),
      done: () => {
        const missed = seen.filter((scale) => scale === Infinity).length / seen.length;
        sayEnds("target-scale", inLogs(seen), { more: missed > 0 ? `; no amount reaches it in ${percent(missed)} of the draws` : "", first: target.places[0] });
      },
    };
  };

  // ---- intervals take every draw: after a short pause, in slices, so that a slider never waits for them
  const PAUSE = 100, SLICE = 20;
  let job = 0;
  const overDraws = (tasks) => {
    const mine = ++job;
    let k = 0;
    const go = () => {
      if (mine !== job || !tasks.length) return;
      for (const until = performance.now() + SLICE; k < draws.length && performance.now() < until; k++) tasks[0].one(draws[k]);
      if (k === draws.length) {
        tasks.shift().done();
        k = 0;
      }
      setTimeout(go, 0);
    };
    setTimeout(go, PAUSE);
  };
  const show = () => {
    const x = current(), tasks = [];
    document.querySelectorAll("[data-of]").forEach((place) => { place.textContent = document.getElementById(place.dataset.of).value; });
    showPrediction(x);
    if (document.getElementById("box-budget")) {
      const budget = typed("box-budget");
      showBudget(x, budget);
      wait(...BUDGET);
      tasks.push(budgetTask(x, budget));
    }
    if (target) {
      const goal = typed("box-target");
      showTarget(x, goal);
      wait("target-scale");
      tasks.push(targetTask(x, goal));
    }
    if (draws.length) overDraws(tasks);
  };

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
