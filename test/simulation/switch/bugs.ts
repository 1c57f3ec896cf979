import type { IssuerLink } from '@tsunagu/fleet-server/switch/issuer-link/issuer-link';
import type { Core } from '@tsunagu/fleet-server/switch/core';
import { Advices } from '@tsunagu/fleet-server/switch/journal/advices';
import type { LinkAnswer } from '@tsunagu/fleet-server/switch/link/exchange';
import type { Operator } from '@tsunagu/fleet-server/switch/operator/operator';
import type { SqlValue, Store } from '@tsunagu/fleet-server/store/index';
import { answerTo, cardCompanyLink, reversalOf, reversalReasons, terminalCodec } from '@tsunagu/protocols/acquiring';
import { type FieldValue, type Message, responseMti } from '@tsunagu/protocols/iso8583';
import { ok, toHex, unwrap } from '@tsunagu/protocols/kit';
import { beginsAt, type SimulatedWorld } from '../world.ts';
import type { DiskBugs } from './disk.ts';
import type { InvariantName } from './invariants.ts';
import type { Script, Step } from './script.ts';
import type { Bugs } from './simulate.ts';

/** A bug that is put in by wrapping a port, and the script under which it shows. */
export interface PlantedBug {
  readonly is: string;
  readonly bugs: Bugs;
  readonly script: Script;
}

type Look = Extract<Step, { do: 'look' }>;

const sell = (
  at: number,
  amountMinor: number,
  cancelsAfterMs: number | null = null,
): Extract<Step, { do: 'sell' }> => ({
  at,
  do: 'sell',
  terminal: 0,
  operation: 'sale',
  amountMinor,
  repeats: true,
  cancelsAfterMs,
  dcc: false,
});
// The issuer declines some: of three sales one is approved.
const sales = (cancelsAfterMs: number | null = null): Step[] =>
  [2_000, 2_100, 2_200].map((amountMinor, index) => sell(2_000 + index * 1_000, amountMinor, cancelsAfterMs));
const script = (...steps: readonly Step[]): Script => ({
  seed: 1,
  manualAfter: cardCompanyLink.profile.timers.storeAndForward.manualAfter,
  steps: [...steps],
});
/** Sales that are taken back, and whose advices are dead letters after one attempt. */
const byHand = (...steps: readonly Step[]): Script => ({ ...script(...sales(10_000), ...steps), manualAfter: 1 });
const look = (at: number, does: Look['does'], when: Look['when'] = 'now'): Look => ({
  at,
  do: 'look',
  does,
  of: 'serving',
  place: 0,
  when,
  nth: 0,
});

/** A link whose requests go another way. */
const asking =
  (
    request: (
      message: Message,
      link: IssuerLink,
      carry: (message: Message) => void,
      timeoutMs: number,
    ) => Promise<LinkAnswer>,
  ) =>
  (link: IssuerLink, carry: (message: Message) => void): IssuerLink =>
    Object.create(link, {
      request: { value: (message: Message, timeoutMs: number) => request(message, link, carry, timeoutMs) },
    });

/** What the issuer never said. */
function invented(link: IssuerLink, message: Message, actionCode: string): LinkAnswer {
  const { codec, profile } = link.link;
  const answer = answerTo(message, responseMti(message.mti) ?? '', profile.echo, { 39: actionCode });
  const decoded = codec.decode(unwrap(codec.encode(answer)));
  if (!decoded.ok) throw new Error(decoded.fault.code);
  return { type: 'answered', message: decoded.value };
}

const isSale = ({ mti }: Message): boolean => mti === '1200';
const isReversal = ({ mti }: Message): boolean => mti.startsWith('142');
const withField = (message: Message, number: number, value: FieldValue): Message => ({
  ...message,
  fields: { ...message.fields, [number]: value },
});

/** An answer with another action code. */
function declined(answer: Uint8Array): Uint8Array {
  const decoded = terminalCodec.decode(answer);
  if (!decoded.ok) throw new Error(decoded.fault.code);
  const { mti, fields } = decoded.value;
  return unwrap(terminalCodec.encode(withField({ mti, fields }, 39, '116')));
}

/** A room of the people in which settling goes past the lane, which does not know of it. */
const pastTheLane = (core: Core, world: SimulatedWorld, store: Store): Operator =>
  Object.create(core.operator, {
    settle: {
      value: (id: string, by: string, reason: string) => new Advices(world, store, core.journal).settle(id, by, reason),
    },
  });

/** Statements for which an advice that is settled is one that still waits. */
function settledWaits(isFor: (sql: string) => boolean): NonNullable<DiskBugs['alters']> {
  const settled = new Set<SqlValue | undefined>();
  return (sql, parameters) => {
    const isKnown = parameters.some((value) => settled.has(value)) || sql.includes('"out_stan" = ');
    if (/^update "switch_reversals" set "state"/i.test(sql) && parameters[0] === 'settled') settled.add(parameters[3]);
    return isFor(sql) && isKnown ? parameters.map((value) => (value === 'queued' ? 'settled' : value)) : parameters;
  };
}

/** For every invariant, a bug that it has to notice. */
export const plantedBugs = {
  approvedByIssuer: {
    is: 'the switch approves without asking',
    bugs: {
      node: {
        link: asking((message, link, _carry, timeoutMs) =>
          isSale(message) ? Promise.resolve(invented(link, message, '000')) : link.request(message, timeoutMs),
        ),
      },
    },
    script: script(...sales()),
  },
  postedOnce: {
    is: 'a sale is sent twice, under two trace numbers',
    bugs: {
      node: {
        link: asking((message, link, carry, timeoutMs) => {
          if (isSale(message)) for (const stan of ['999001', '999002', '999003']) carry(withField(message, 11, stan));
          return link.request(message, timeoutMs);
        }),
      },
    },
    script: script(...sales()),
  },
  reversedIsZero: {
    is: 'reversals are answered by the switch and go nowhere',
    bugs: {
      node: {
        link: asking((message, link, _carry, timeoutMs) =>
          isReversal(message) ? Promise.resolve(invented(link, message, '400')) : link.request(message, timeoutMs),
        ),
      },
    },
    script: script(...sales(1_000)),
  },
  sameAnswer: {
    is: 'who asks twice gets another answer',
    bugs: {
      node: {
        handle: (() => {
          const seen = new Set<string>();
          return async (bytes, handle) => {
            const reply = await handle();
            const key = toHex(bytes);
            if (!seen.has(key) || !('answer' in reply)) {
              seen.add(key);
              return reply;
            }
            return { answer: declined(reply.answer) };
          };
        })(),
      },
    },
    script: script(
      {
        at: 1_000,
        do: 'bad-line',
        of: 'terminals',
        lostPercent: 0,
        doubledPercent: 100,
        latePercent: 0,
        forMs: 30_000,
      },
      ...sales(),
    ),
  },
  askedFor: {
    is: 'the amount changes on its way',
    bugs: {
      node: {
        link: asking((message, link, _carry, timeoutMs) =>
          link.request(isSale(message) ? withField(message, 4, '000000009999') : message, timeoutMs),
        ),
      },
    },
    script: script(...sales()),
  },
  conserved: {
    is: 'what was approved is taken back from the issuer alone',
    bugs: {
      node: {
        link: asking(async (message, link, carry, timeoutMs) => {
          const answer = await link.request(message, timeoutMs);
          if (isSale(message))
            carry(
              withField(
                reversalOf(message, { stan: '999001', nowMs: beginsAt, reason: reversalReasons.timedOut }),
                37,
                message.fields[37] ?? '',
              ),
            );
          return answer;
        }),
      },
    },
    script: script(...sales()),
  },
  booksAgree: {
    is: 'postings are not written',
    bugs: {
      disk: {
        // The postings are the last of what is written in one statement.
        alters: (sql, parameters) =>
          /^insert into "switch_postings"/i.test(sql)
            ? undefined
            : /^insert into switch_(commit|projection)/i.test(sql)
              ? [...parameters.slice(0, -1), null]
              : parameters,
      },
    },
    script: script(...sales()),
  },
  comesToAnEnd: {
    is: 'reversals are never sent',
    bugs: {
      node: {
        link: asking((message, link, _carry, timeoutMs) =>
          isReversal(message) ? Promise.resolve({ type: 'lineLost' }) : link.request(message, timeoutMs),
        ),
      },
    },
    script: script(...sales(1_000)),
  },
  voidsCovered: {
    is: 'an issuer is told of a void as of an outcome that nobody knows',
    bugs: {
      node: {
        link: asking((message, link, _carry, timeoutMs) =>
          link.request(isReversal(message) ? withField(message, 25, reversalReasons.timedOut) : message, timeoutMs),
        ),
      },
    },
    script: script(
      { ...sell(2_000, 5_000, 5_000), operation: 'charge' },
      { ...sell(4_000, 3_000), operation: 'spend' },
    ),
  },
  settledIsSilent: {
    is: 'a lane sends what a person settled',
    bugs: {
      node: { operator: pastTheLane },
      disk: { alters: settledWaits((sql) => /^update "switch_reversals" set "attempts"/i.test(sql)) },
    },
    script: byHand({ at: 1_000, do: 'advices-refused', isSilent: false, forMs: 30_000 }, look(12_000, 'settle'), {
      at: 15_000,
      do: 'sign-on',
    }),
  },
  settledIsKnown: {
    is: 'an advice is settled while it is being sent',
    bugs: { node: { operator: pastTheLane } },
    script: byHand(
      { at: 1_000, do: 'advices-refused', isSilent: true, forMs: 40_000 },
      look(18_000, 'settle', 'at-sign-on'),
      { at: 24_000, do: 'sign-on' },
    ),
  },
  endsOnce: {
    is: 'a late answer ends what a person settled',
    bugs: {
      disk: { alters: settledWaits((sql) => /^update "switch_reversals" set "state"|"out_stan" = /i.test(sql)) },
    },
    script: byHand(
      { at: 8_000, do: 'bad-line', of: 'issuer', lostPercent: 0, doubledPercent: 0, latePercent: 100, forMs: 20_000 },
      look(12_000, 'settle'),
      look(12_000, 'settle'),
    ),
  },
  overIsOver: {
    is: 'whoever wants an advice tried again is told that it will be',
    bugs: {
      node: {
        operator: (core) => Object.create(core.operator, { retry: { value: () => Promise.resolve(ok(undefined)) } }),
      },
    },
    script: byHand({ at: 1_000, do: 'advices-refused', isSilent: false, forMs: 30_000 }, look(12_000, 'settle')),
  },
  nothingSecretShown: {
    is: 'messages are logged as they are',
    bugs: {
      node: {
        handle: (bytes, handle, log) => {
          log('debug', 'messageReceived', { bytes: toHex(bytes) });
          return handle();
        },
      },
    },
    script: script(...sales()),
  },
  nothingIsThrown: {
    is: 'a message throws',
    bugs: { node: { handle: () => Promise.reject(new Error('planted')) } },
    script: script(...sales()),
  },
} as const satisfies Record<InvariantName, PlantedBug>;

/** A disk that says what is not so: the log loses commits that were told to be on it. */
export const forgetfulDisk: PlantedBug = {
  is: 'commits are told to be on the disk before they are',
  bugs: { disk: { forgetsCommits: 3 } },
  script: script(...sales(), { at: 4_800, do: 'cut', forMs: 2_000 }),
};
