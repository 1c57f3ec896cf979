import type { JobState } from '@tsunagu/protocols/fleet';
import { Counter, Histogram, type Registry } from 'prom-client';

/** Counts answers of an HTTP listener. */
export interface HttpMeter {
  answered(answer: {
    /** The route's template, never the address. */
    readonly route: string;
    readonly method: string;
    readonly status: number;
    readonly seconds: number;
  }): void;
}

/** Counts what the broker does. */
export interface BrokerMeter {
  connected(): void;
  /** `reason` is a code of the error table. */
  refused(reason: string, count?: number): void;
  /** A message to a terminal was dropped: too many waited for it. */
  dropped(): void;
  /** A message of this kind (`hello`, `job`, `notify` …) came from or went to a terminal. */
  passed(direction: 'up' | 'down', kind: string): void;
}

/** Counts jobs by how they end, and how they got there. */
export interface JobMeter {
  entered(type: string, state: JobState): void;
}

/** Counts sales and measures them. */
export interface SaleMeter {
  ended(sale: {
    readonly outcome: 'approved' | 'declined' | 'refused' | 'reversed' | 'failed';
    readonly decidedBy: 'issuer' | 'switch' | 'terminal';
    readonly seconds: number | null;
  }): void;
}

/** Counts what the issuers of the switch say, and how soon. */
export interface IssuerMeter {
  /** A request over a link was answered. */
  answered(link: string, actionCode: string, seconds: number): void;
}

/** One meter for each room that counts something. */
export interface Meters {
  readonly http: HttpMeter;
  readonly broker: BrokerMeter;
  readonly jobs: JobMeter;
  readonly sales: SaleMeter;
  readonly issuers: IssuerMeter;
  readonly keys: KeyMeter;
}

/** Keys in the wrong hands. */
export interface KeyMeter {
  /** Seconds from the sight of a key in the wrong hands to the commit that blocks it. */
  blocked(seconds: number): void;
}

const nothing = (): void => {};

/** Meters that count nothing. */
export const noMeter: Meters = {
  http: { answered: nothing },
  broker: { connected: nothing, refused: nothing, dropped: nothing, passed: nothing },
  jobs: { entered: nothing },
  sales: { ended: nothing },
  issuers: { answered: nothing },
  keys: { blocked: nothing },
};

/** Buckets of OpenTelemetry's `http.server.request.duration`, seconds. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Buckets of an answer, seconds: an issuer is waited for some ten of them. */
const answerBuckets = [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12];
/** Action codes of one link that are counted apart. */
const codesMax = 200;

interface AnswersOfLink {
  readonly seconds: ReturnType<Histogram['labels']>;
  readonly codes: Map<string, ReturnType<Counter['labels']>>;
}

/** Meters that count into `registry`. Base units, and never a terminal's serial as a label. */
export function makeMeters(registry: Registry): Meters {
  const registers = [registry];
  const requests = new Histogram({
    name: 'tsunagu_http_server_request_duration_seconds',
    help: 'Answers of the management API',
    labelNames: ['http_route', 'http_request_method', 'http_response_status_code'],
    buckets: requestBuckets,
    registers,
  });
  const connects = new Counter({
    name: 'tsunagu_broker_connects_total',
    help: 'Terminals that connected',
    registers,
  });
  const refusals = new Counter({
    name: 'tsunagu_broker_refusals_total',
    help: 'Connections and messages that the broker refused, by error code',
    labelNames: ['code'],
    registers,
  });
  const messages = new Counter({
    name: 'tsunagu_broker_messages_total',
    help: 'Messages by direction and kind',
    labelNames: ['direction', 'kind'],
    registers,
  });
  const drops = new Counter({
    name: 'tsunagu_broker_downlinks_dropped_total',
    help: 'Messages to terminals that were dropped, because 64 waited for the same terminal already',
    registers,
  });
  const jobs = new Counter({
    name: 'tsunagu_job_transitions_total',
    help: 'Jobs that entered a state',
    labelNames: ['type', 'state'],
    registers,
  });
  const sales = new Counter({
    name: 'tsunagu_sales_total',
    help: 'Sales that ended',
    labelNames: ['outcome', 'decided_by'],
    registers,
  });
  const saleSeconds = new Histogram({
    name: 'tsunagu_sale_duration_seconds',
    help: 'Request in to answer out at the switch; reader to answer at a terminal',
    labelNames: ['decided_by'],
    buckets: answerBuckets,
    registers,
  });

  const issuerSeconds = new Histogram({
    name: 'tsunagu_switch_issuer_answer_seconds',
    help: 'Request out to answer in, by link to an issuer; what was not answered in time is not in it',
    labelNames: ['link'],
    buckets: answerBuckets,
    registers,
  });
  const issuerAnswers = new Counter({
    name: 'tsunagu_switch_issuer_answers_total',
    help: 'Answers of issuers by link and action code (DE39); 000 to 099 approve',
    labelNames: ['link', 'action_code'],
    registers,
  });
  const ofLinks = new Map<string, AnswersOfLink>();
  /** The series of one link, made with its first answer: an answer that is counted makes no labels anew. */
  function ofLink(link: string): AnswersOfLink {
    let known = ofLinks.get(link);
    if (known === undefined) ofLinks.set(link, (known = { seconds: issuerSeconds.labels(link), codes: new Map() }));
    return known;
  }

  const blockSeconds = new Histogram({
    name: 'tsunagu_key_block_seconds',
    help: 'From the sight of a key in the wrong hands, or of a case that was opened, to the commit that blocks its terminals',
    buckets: requestBuckets,
    registers: [registry],
  });
  return {
    http: {
      answered: ({ route, method, status, seconds }) =>
        requests.observe(
          { http_route: route, http_request_method: method, http_response_status_code: status },
          seconds,
        ),
    },
    broker: {
      connected: () => connects.inc(),
      refused: (code, count = 1) => refusals.inc({ code }, count),
      dropped: () => drops.inc(),
      passed: (direction, kind) => messages.inc({ direction, kind }),
    },
    jobs: { entered: (type, state) => jobs.inc({ type, state }) },
    issuers: {
      answered(link, actionCode, seconds) {
        const { seconds: histogram, codes } = ofLink(link);
        histogram.observe(seconds);
        // What is no code of three digits, or one too many, is a fault of the far side, and must not grow the list of series.
        const code =
          codes.has(actionCode) || (/^\d{3}$/.test(actionCode) && codes.size < codesMax) ? actionCode : 'other';
        let counter = codes.get(code);
        if (counter === undefined) codes.set(code, (counter = issuerAnswers.labels(link, code)));
        counter.inc();
      },
    },
    keys: { blocked: (seconds) => blockSeconds.observe(seconds) },
    sales: {
      ended({ outcome, decidedBy, seconds }) {
        sales.inc({ outcome, decided_by: decidedBy });
        if (seconds !== null) saleSeconds.observe({ decided_by: decidedBy }, seconds);
      },
    },
  };
}
