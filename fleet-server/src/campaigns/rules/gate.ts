import type { GateMetric } from '@tsunagu/protocols/fleet';

/**
 * The sequential test behind a gate, one metric of it: are events more frequent among updated terminals than among the others, by
 * more than a margin? It may be looked at after every sale, for as long as one likes.
 *
 * Sales come in blocks of `a` sales of updated terminals and `b` of the others. The null is that in every block of every model
 * `p ≤ q + margin`, whatever p and q are there and however they move. For an alternative (p1, q1) outside the null let (p0, q0) be its
 * projection onto the null: the minimum of `a·KL(p1‖p0) + b·KL(q1‖q0)`, on the line p0 = q0 + margin. The block's value is the ratio
 * of the likelihoods under (p1, q1) and (p0, q0). Its expectation under any (p, q) of the null is `f(p)^a · g(q)^b` with
 * `f(p) = 1 + (p − p0)(p1 − p0) / (p0(1 − p0))` and g alike. The logarithm of that is concave in (p, q) and has at (p0, q0) the value
 * 0 and, as gradient, the negative of that of the projection's aim; so by the projection's own Karush-Kuhn-Tucker conditions 0 is its
 * maximum over the null (which is convex). The expectation is at most 1: an e-value. The alternative of a block is chosen from
 * earlier blocks, so the product over blocks is a non-negative supermartingale, and so is a mixture of such products over a fixed
 * grid of effects. By Ville's inequality it ever reaches 1/alpha with a probability of at most alpha.
 *
 * What it assumes: sales of a block are independent given the past, and how many there are does not depend on how they end. A cohort's
 * terminals are chosen by a hash, so nothing but the change tells them from the others of their model.
 *
 * @see R. Turner, A. Ly, P. Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for optional stopping",
 *   J. Stat. Plan. Inference 230 (2024), theorem 1 (margin 0); P. Grünwald, R. de Heide, W. Koolen, "Safe testing", JRSS-B 86 (2024);
 *   J. Ville, "Étude critique de la notion de collectif" (1939), p. 84
 */
export interface GateState {
  /** Logarithm of the product, an effect of `effects` each. */
  readonly log: readonly number[];
  /** By model: what was counted, and what waits until the other side has a sale too. */
  readonly strata: Readonly<Record<string, Stratum>>;
}

/** Sales and events of updated terminals (`a`) and of the others (`b`). */
export interface Arms {
  readonly salesA: number;
  readonly eventsA: number;
  readonly salesB: number;
  readonly eventsB: number;
}

/** What is known of one model. */
export interface Stratum {
  readonly counted: Arms;
  readonly waiting: Arms;
}

/** By how much more than the margin an event may have become more frequent. */
const effects = [0.03, 0.06, 0.12, 0.25, 0.5] as const;
const nothing: Arms = { salesA: 0, eventsA: 0, salesB: 0, eventsB: 0 };

/** A metric of which nothing was seen yet. */
export const freshGate: GateState = { log: effects.map(() => 0), strata: {} };

/**
 * Adds what one model's sales came to since the last look. Where no updated terminal sold anything there is nothing to compare, but the
 * usual rate is learnt from it; where only updated terminals did, they wait for the others.
 */
export function countSales(gate: GateState, model: string, seen: Arms, margin: number): GateState {
  const before = gate.strata[model] ?? { counted: nothing, waiting: nothing };
  const block = plus(before.waiting, seen);
  const keep = (stratum: Stratum): GateState['strata'] => ({ ...gate.strata, [model]: stratum });
  if (block.salesA === 0) return { ...gate, strata: keep({ ...before, counted: plus(before.counted, block) }) };
  if (block.salesB === 0) return { ...gate, strata: keep({ ...before, waiting: block }) };
  // From earlier looks alone; a tenth before the first, which few sales outweigh.
  const { salesB, eventsB } = before.counted;
  const usual = (eventsB + 0.5) / (salesB + 5);
  return {
    log: gate.log.map((sum, index) => sum + valueOf(block, usual, margin, effects[index] ?? 0)),
    strata: keep({ counted: plus(before.counted, block), waiting: nothing }),
  };
}

/** The e-value: the mixture over the grid of effects. It fails a gate at 1/alpha. */
export function evidenceOf({ log }: GateState): number {
  const most = Math.max(...log);
  const mean = log.reduce((sum, value) => sum + Math.exp(value - most), 0) / log.length;
  return Math.exp(Math.min(700, most + Math.log(mean)));
}

/** What an e-value has to reach, when `metrics` are watched together (Bonferroni). */
export const gateLimit = (alpha: number, metrics: number): number => metrics / alpha;

/** All models together of which an updated terminal was compared: what is learnt of the others is no control. */
export const totalsOf = ({ strata }: GateState): Arms =>
  Object.values(strata)
    .filter(({ counted }) => counted.salesA > 0)
    .reduce((sum, { counted }) => plus(sum, counted), nothing);

const plus = (one: Arms, other: Arms): Arms => ({
  salesA: one.salesA + other.salesA,
  eventsA: one.eventsA + other.eventsA,
  salesB: one.salesB + other.salesB,
  eventsB: one.eventsB + other.eventsB,
});

const edge = 1e-6;
const within = (rate: number): number => Math.min(1 - edge, Math.max(edge, rate));

/** Logarithm of a block's e-value for the alternative that events became more frequent by `margin + effect`. */
function valueOf({ salesA, eventsA, salesB, eventsB }: Arms, usual: number, margin: number, effect: number): number {
  const q1 = within(Math.min(usual, 1 - edge - 1e-3));
  const p1 = within(q1 + margin + effect);
  if (p1 <= q1 + margin) return 0;
  const q0 = project(salesA, salesB, p1, q1, margin);
  const p0 = q0 + margin;
  const one = (events: number, sales: number, rate1: number, rate0: number): number =>
    events * Math.log(rate1 / rate0) + (sales - events) * Math.log((1 - rate1) / (1 - rate0));
  return one(eventsA, salesA, p1, p0) + one(eventsB, salesB, q1, q0);
}

/** Where on the line p0 = q0 + margin the projection lies: its derivative rises, so that it is found by halving. */
function project(salesA: number, salesB: number, p1: number, q1: number, margin: number): number {
  const slope = (q: number): number => {
    const p = q + margin;
    return (salesA * (p - p1)) / (p * (1 - p)) + (salesB * (q - q1)) / (q * (1 - q));
  };
  let low = Math.min(q1, p1 - margin);
  let high = Math.max(q1, p1 - margin);
  for (let step = 0; step < 45; step++) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** A sale as a gate looks at it. */
export interface GatedSale {
  /** Whether it reached the switch, and how it stands there. */
  readonly state: string | undefined;
  readonly actionCode: string | null;
  readonly decidedBy: string | null;
  readonly entry: string;
  /** How a terminal ended it by itself. */
  readonly outcome: string | undefined;
}

const approvals = new Set(['approved', 'posting', 'posted']);
const reversals = new Set(['reversing', 'reversed']);

/** Whether a sale counts for a metric, and if so whether it is one of its events. */
export const eventsOf = {
  notApproved: ({ state }) => state && !approvals.has(state) && !reversals.has(state),
  technical: ({ state, actionCode, decidedBy }) =>
    state && (decidedBy === 'switch' || actionCode?.startsWith('9') === true) && !approvals.has(state),
  reversed: ({ state }) => state && reversals.has(state),
  fallback: ({ state, entry }) => state && entry === 'stripe',
  refused: ({ state, outcome }) => state === undefined && outcome !== 'approved',
} as const satisfies Record<GateMetric, (sale: GatedSale) => boolean | '' | undefined>;
