import { expect, test } from 'vitest';
import { type Claim, claims, judge, type KilledRecord } from '../../bench/killed/judge.ts';

const begun = (job: string, attempt = 1, type = 'log.pull') => ({ event: 'jobBegun', job, attempt, type }) as const;
const finished = (job: string, attempt = 1, state = 'succeeded') =>
  ({ event: 'jobFinished', job, attempt, state }) as const;
const sold = (serial: string, stan: string, outcome = 'approved') =>
  ({ event: 'saleFinished', serial, stan, outcome }) as const;
const stands = (serial: string, stan: string, outStan: string | null = stan) => ({
  serial,
  stan,
  amountMinor: 500,
  link: outStan === null ? null : 'credit',
  outStan,
});

/** A run of two terminals in which everything is as it should be. */
const good: KilledRecord = {
  serials: ['A', 'B'],
  said: [
    begun('pull'),
    sold('A', '000001'),
    finished('pull', 1, 'failed'),
    begun('pull', 2),
    finished('pull', 2),
    // A reboot is gone on with after it.
    begun('reboot', 1, 'terminal.reboot'),
    { event: 'jobRestarts', job: 'reboot', attempt: 1 },
    begun('reboot', 1, 'terminal.reboot'),
    finished('reboot'),
    sold('B', '000007'),
    sold('B', '000008', 'declined'),
    sold('B', '', 'refused'),
  ],
  ordered: ['pull', 'reboot'],
  jobs: new Map([
    ['pull', 'succeeded'],
    ['reboot', 'succeeded'],
    ['wipe', 'held'],
  ]),
  untouched: new Map([['wipe', 'held']]),
  campaign: { phase: 'completed', cohort: 2, done: 2 },
  configurations: new Map([
    ['A', { wanted: '1', reported: '1' }],
    ['B', { wanted: '1', reported: '1' }],
  ]),
  totals: new Map([
    ['A', { count: 1, minor: 500, refused: 0 }],
    ['B', { count: 1, minor: 500, refused: 0 }],
  ]),
  journal: [stands('A', '000001'), stands('B', '000007')],
  books: [
    { link: 'credit', outStan: '000001', amountMinor: 500 },
    { link: 'credit', outStan: '000007', amountMinor: 500 },
  ],
  told: new Map([['B', 1]]),
};
const broken = (record: Partial<KilledRecord>): readonly string[] =>
  Object.entries(judge({ ...good, ...record })).flatMap(([claim, wrong]) => (wrong.length > 0 ? [claim] : []));

/** What is planted, and the claims that notice it: all of them, and no other. */
const planted: readonly (readonly [string, Partial<KilledRecord>, readonly Claim[]])[] = [
  [
    'an order that was answered is not in the store',
    { ordered: [...good.ordered, 'gone'] },
    ['jobs lost: ordered, and not in the store', 'jobs that ended otherwise than well'],
  ],
  [
    'a report was acknowledged and not stored: the job timed out',
    { jobs: new Map([...good.jobs, ['pull', 'timed-out']]) },
    ['jobs that ended otherwise than well', 'reports of jobs lost: another word at the terminal than at the server'],
  ],
  [
    'a job that nobody in the run ordered is done at its terminal, and the server waits for it',
    { said: [...good.said, finished('campaign')], jobs: new Map([...good.jobs, ['campaign', 'running']]) },
    ['reports of jobs lost: another word at the terminal than at the server'],
  ],
  [
    'the server believes in a job that no terminal did',
    { jobs: new Map([...good.jobs, ['never', 'succeeded']]) },
    ['reports of jobs lost: another word at the terminal than at the server'],
  ],
  [
    'a job was handed out again after it was done, and done again',
    { said: [...good.said, begun('pull', 3), finished('pull', 3)] },
    ['jobs whose effect came twice', 'jobs that were begun again after they were done'],
  ],
  [
    'a job was handed out again after it was done, and the terminal was off before its end',
    { said: [...good.said, begun('pull', 3)] },
    ['jobs that were begun again after they were done'],
  ],
  ['a terminal forgot that it had begun', { said: [begun('pull'), ...good.said] }, ['attempts that were begun twice']],
  [
    'a terminal rebooted twice for one order',
    { said: [{ event: 'jobRestarts', job: 'reboot', attempt: 1 }, ...good.said] },
    ['attempts that were begun twice'],
  ],
  [
    'a job that waits for a second person was let go',
    { jobs: new Map([...good.jobs, ['wipe', 'queued']]) },
    ['jobs for later, held or cancelled that were touched'],
  ],
  [
    'a job that waits for a second person was in hand, and the server does not know',
    { said: [...good.said, begun('wipe', 1, 'terminal.wipe')] },
    ['jobs for later, held or cancelled that were touched'],
  ],
  [
    'the campaign left a terminal out',
    { campaign: { phase: 'completed', cohort: 1, done: 1 } },
    ['campaigns that are not through'],
  ],
  ['the campaign stopped', { campaign: { phase: 'paused', cohort: 2, done: 2 } }, ['campaigns that are not through']],
  [
    'the campaign says that it changed a terminal, which has the old value',
    { configurations: new Map([...good.configurations, ['B', { wanted: '1', reported: '0' }]]) },
    ['terminals with another configuration than was made'],
  ],
  [
    'a terminal is never heard of again',
    { totals: new Map([...good.totals].slice(1)) },
    ['terminals that did not come back'],
  ],
  [
    'the switch lost a sale that it had answered',
    { journal: good.journal.slice(1) },
    [
      'terminals whose totals are other than the journal',
      'sales that stand on one side only',
      'sales that the card companies have otherwise',
    ],
  ],
  [
    'the switch lost one sale and made up another of the same amount',
    { journal: [stands('A', '000002', null), stands('B', '000007')], books: good.books.slice(1) },
    ['sales that stand on one side only'],
  ],
  [
    'a sale was posted twice by the switch',
    { journal: [...good.journal, stands('A', '000001', '000009')] },
    [
      'terminals whose totals are other than the journal',
      'sales that stand twice in the journal',
      'sales that the card companies have otherwise',
    ],
  ],
  [
    'a sale was taken twice by the card company',
    { books: [...good.books, { link: 'credit', outStan: '000001', amountMinor: 500 }] },
    ['sales that the card companies have otherwise'],
  ],
  [
    'what the terminal took back still stands',
    {
      said: good.said.map((one) =>
        one.event === 'saleFinished' && one.serial === 'A' ? sold('A', '000001', 'reversed') : one,
      ),
    },
    ['sales that stand on one side only'],
  ],
  [
    'a terminal counts a sale twice',
    { totals: new Map([...good.totals, ['A', { count: 2, minor: 1_000, refused: 0 }]]) },
    ['terminals whose totals are other than the journal'],
  ],
  [
    'a sale that never left its terminal was acknowledged and not stored',
    { told: new Map() },
    ['reports of sales lost or doubled'],
  ],
  ['a repeated report of a sale was stored again', { told: new Map([['B', 2]]) }, ['reports of sales lost or doubled']],
  [
    'the switch refused what a terminal had approved by itself',
    { totals: new Map([...good.totals, ['A', { count: 1, minor: 500, refused: 1 }]]) },
    ['advices that the switch refused'],
  ],
];

test('a run in which everything is as it should be breaks no claim', () => {
  expect(broken({})).toEqual([]);
});

test.each(planted)('noticed when %s', (_, record, claimed) => {
  expect(broken(record).toSorted()).toEqual([...claimed].toSorted());
});

test('every claim has something planted that it notices', () => {
  const noticed = new Set(planted.flatMap(([, , claimed]) => claimed));
  expect((Object.keys(claims) as Claim[]).filter((claim) => !noticed.has(claim))).toEqual([]);
});
