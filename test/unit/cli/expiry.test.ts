import { type ExpiryEntry, serialSchema } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { showExpiry } from '../../../cli/src/commands/expiry.ts';
import { exit } from '../../../cli/src/console/index.ts';
import { keptConsole } from './kept-console.ts';

const endsAt = '2029-01-04T00:00:00.000Z';
const entry: ExpiryEntry = {
  serial: serialSchema.parse('CT5100-0001'),
  level: 'passed',
  lastDay: '2028-11-28',
  until: '2028-11-29T00:00:00.000Z',
  first: 'server-certificate',
  endsAt,
  silence: { longestHours: 840, contacts: 0, isAssumed: true, lastContact: null },
  reasons: [
    {
      kind: 'software-signing',
      name: 'targets',
      level: 'passed',
      endsAt: '2027-11-28T00:00:00.000Z',
      lastDay: '2027-11-27',
    },
    { kind: 'server-certificate', name: '39', level: 'fine', endsAt, lastDay: '2028-11-28' },
    { kind: 'root', name: '64', level: 'fine', endsAt: '2056-11-20T00:00:00.000Z', lastDay: '2056-10-14' },
  ],
};

test.each([
  [false, ['targets']],
  [true, ['targets', '39', '64']],
])(
  'what loses no terminal is named where the state is of it; everything where it is asked for: %s',
  async (reasons, names) => {
    const world = systemWorld(() => undefined);
    const { console, printed } = keptConsole('en');
    const client = { ...openClient({ url: 'http://127.0.0.1:9', token: '' }, world), expiry: async () => ok([entry]) };
    expect(await showExpiry({ world, console, client, json: false }, { count: 1, reasons })).toBe(exit.otherOutcome);
    const lines = printed()
      .out.split('\n')
      .filter((line) => line.startsWith('    '));
    expect(lines.map((line) => line.trim().split('  ')[2])).toEqual(names);
  },
);
