// A derivative tool in JavaScript over GradBench's JSON-lines protocol: reverse mode on a tape.
//
//     adbench run tape --external 'tape=node examples/external/tape.js'
//
// It knows the modules hello, lse, llsq and kmeans. Every number on the tape carries a tangent too, so that
// one pass back gives a gradient and a Hessian-vector product. Needs node alone, no packages.
"use strict";

// --- the tape: for each number its value, its tangent, and its one or two parents -------------------

class Tape {
  constructor() {
    this.v = []; // values
    this.t = []; // tangents
    this.parents = []; // of each number: [parent, partial, tangent of the partial, parent, ...]
  }

  number(v, t, ...parents) {
    this.v.push(v);
    this.t.push(t);
    this.parents.push(parents);
    return this.v.length - 1;
  }

  variable(v, t = 0) { return this.number(v, t); }

  add(a, b) { return this.number(this.v[a] + this.v[b], this.t[a] + this.t[b], a, 1, 0, b, 1, 0); }

  sub(a, b) { return this.number(this.v[a] - this.v[b], this.t[a] - this.t[b], a, 1, 0, b, -1, 0); }

  mul(a, b) {
    const { v, t } = this;
    return this.number(v[a] * v[b], v[a] * t[b] + t[a] * v[b], a, v[b], t[b], b, v[a], t[a]);
  }

  plus(a, c) { return this.number(this.v[a] + c, this.t[a], a, 1, 0); } // with a constant

  times(a, c) { return this.number(this.v[a] * c, this.t[a] * c, a, c, 0); }

  exp(a) {
    const e = Math.exp(this.v[a]);
    return this.number(e, e * this.t[a], a, e, e * this.t[a]);
  }

  log(a) {
    const r = 1 / this.v[a];
    return this.number(Math.log(this.v[a]), r * this.t[a], a, r, -r * r * this.t[a]);
  }

  // Derivatives of the number `y` by the first n numbers, and their own derivatives along the tangents.
  back(y, n) {
    const a = new Float64Array(this.v.length);
    const at = new Float64Array(this.v.length);
    a[y] = 1;
    for (let i = y; i >= n; i--) {
      const p = this.parents[i];
      for (let k = 0; k < p.length; k += 3) {
        at[p[k]] += at[i] * p[k + 1] + a[i] * p[k + 2];
        a[p[k]] += a[i] * p[k + 1];
      }
    }
    return { gradient: Array.from(a.subarray(0, n)), product: Array.from(at.subarray(0, n)) };
  }
}

// --- the functions: f(tape, x, input) with x the variables' places; the place of the result ----------

function square(m, x) { return m.mul(x[0], x[0]); }

function lse(m, x) {
  let greatest = x[0];
  for (const a of x) if (m.v[a] > m.v[greatest]) greatest = a;
  let total = null;
  for (const a of x) {
    const e = m.exp(m.sub(a, greatest));
    total = total === null ? e : m.add(total, e);
  }
  return m.add(greatest, m.log(total));
}

function llsq(m, x, { n }) {
  let total = m.variable(0);
  for (let i = 0; i < n; i++) {
    const t = -1 + (i * 2) / (n - 1);
    let polynomial = x[x.length - 1];
    for (let j = x.length - 2; j >= 0; j--) polynomial = m.add(m.times(polynomial, t), x[j]);
    const residual = m.plus(polynomial, -Math.sign(t));
    total = m.add(total, m.mul(residual, residual));
  }
  return m.times(total, 0.5);
}

function kmeans(m, x, { points }) {
  const d = points[0].length;
  let total = m.variable(0);
  for (const p of points) {
    let nearest = 0;
    let least = Infinity;
    for (let first = 0; first < x.length; first += d) {
      let distance = 0;
      for (let a = 0; a < d; a++) distance += (m.v[x[first + a]] - p[a]) ** 2;
      if (distance < least) [least, nearest] = [distance, first];
    }
    // the other centres' distances do not enter the sum: they need not be on the tape
    for (let a = 0; a < d; a++) {
      const r = m.plus(x[nearest + a], -p[a]);
      total = m.add(total, m.mul(r, r));
    }
  }
  return total;
}

function value(f, x, input) {
  const m = new Tape();
  return m.v[f(m, x.map((v) => m.variable(v)), input)];
}

function derivatives(f, x, input, tangent = 0) {
  const m = new Tape();
  const places = x.map((v) => m.variable(v, tangent));
  return m.back(f(m, places, input), x.length);
}

// module -> function -> input -> a function without arguments, which is what is timed
const gradientOf = (f) => (input) => () => derivatives(f, input.x, input).gradient;
const MODULES = {
  hello: {
    square: (input) => () => value(square, [input]),
    double: (input) => () => derivatives(square, [input]).gradient[0],
  },
  lse: { primal: (input) => () => value(lse, input.x), gradient: gradientOf(lse) },
  llsq: { primal: (input) => () => value(llsq, input.x, input), gradient: gradientOf(llsq) },
  kmeans: {
    cost: (input) => { const x = input.centroids.flat(); return () => value(kmeans, x, input); },
    // the Hessian is diagonal: its product with ones holds all of it
    dir: (input) => {
      const x = input.centroids.flat();
      const d = input.points[0].length;
      return () => {
        const { gradient, product } = derivatives(kmeans, x, input, 1);
        const rows = [];
        for (let i = 0; i < x.length; i += d) {
          rows.push(gradient.slice(i, i + d).map((g, a) => g / product[i + a]));
        }
        return rows;
      };
    },
  },
};

// --- the protocol -----------------------------------------------------------------------------------

function evaluate({ module, function: name, input }) {
  const make = (MODULES[module] || {})[name];
  if (!make) return { success: false, error: `no function ${name} of module ${module}` };
  const run = make(input);
  const { min_runs: runs = 1, min_seconds: seconds = 0 } = Object(input);
  const timings = [];
  let total = 0;
  let output;
  while (timings.length < Math.max(runs, 1) || total < seconds) {
    const before = process.hrtime.bigint();
    output = run();
    const nanoseconds = Number(process.hrtime.bigint() - before);
    timings.push({ name: "evaluate", nanoseconds });
    total += nanoseconds * 1e-9;
  }
  if (![output].flat(2).every(Number.isFinite)) {
    return { success: false, error: "the result is not finite, which JSON cannot say" };
  }
  return { success: true, output, timings };
}

function answer(message) {
  if (message.kind === "start") return { tool: "tape.js" };
  if (message.kind === "define") return { success: message.module in MODULES };
  return message.kind === "evaluate" ? evaluate(message) : {};
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  let id = null;
  let said;
  try {
    const message = JSON.parse(line);
    id = message.id;
    said = answer(message);
  } catch (error) {
    said = { success: false, error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify({ id, ...said })}\n`);
});
