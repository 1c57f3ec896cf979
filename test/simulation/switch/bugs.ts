import type { IssuerLink } from '@tsunagu/fleet-server/switch/issuer-link/issuer-link';
import type { LinkAnswer } from '@tsunagu/fleet-server/switch/link/exchange';
import { answerTo, reversalOf, reversalReasons, terminalCodec } from '@tsunagu/protocols/acquiring';
import { type FieldValue, type Message, responseMti } from '@tsunagu/protocols/iso8583';
import { toHex, unwrap } from '@tsunagu/protocols/kit';
import { beginsAt } from '../world.ts';
import type { InvariantName } from './invariants.ts';
import type { Script, Step } from './script.ts';
import type { Bugs } from './simulate.ts';

/** A bug that is put in by wrapping a port, and the script under which it shows. */
export interface PlantedBug {
  readonly is: string;
  readonly bugs: Bugs;
  readonly script: Script;
}

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
const script = (...steps: readonly Step[]): Script => ({ seed: 1, steps: [...steps] });

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
