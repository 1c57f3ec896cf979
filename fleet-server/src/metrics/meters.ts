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
  refused(reason: string): void;
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

/** One meter for each room that counts something. */
export interface Meters {
  readonly http: HttpMeter;
  readonly broker: BrokerMeter;
  readonly jobs: JobMeter;
  readonly sales: SaleMeter;
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
  broker: { connected: nothing, refused: nothing, passed: nothing },
  jobs: { entered: nothing },
  sales: { ended: nothing },
  keys: { blocked: nothing },
};

/** Buckets of OpenTelemetry's `http.server.request.duration`, seconds. */
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

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
    buckets: [0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12],
    registers,
  });

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
      refused: (code) => refusals.inc({ code }),
      passed: (direction, kind) => messages.inc({ direction, kind }),
    },
    jobs: { entered: (type, state) => jobs.inc({ type, state }) },
    keys: { blocked: (seconds) => blockSeconds.observe(seconds) },
    sales: {
      ended({ outcome, decidedBy, seconds }) {
        sales.inc({ outcome, decided_by: decidedBy });
        if (seconds !== null) saleSeconds.observe({ decided_by: decidedBy }, seconds);
      },
    },
  };
}
