import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hex, toHex } from '@tsunagu/protocols/kit';
import { personalise, testCard, testCardNames } from '@tsunagu/protocols/test-cards';
import { bridgeEvent } from '@tsunagu/protocols/workshop';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './bundle.ts';
import { missingFor } from './machine.ts';

const missing = missingFor('namespace');
if (missing !== undefined) console.log(`hardware in the loop, pcscd: skipped, ${missing}`);

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-vpcd-'));
const read = (name: string): string => {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

/** Every card: what a terminal asks first, as opensc-tool is told to send it. */
const commandsOf = (name: (typeof testCardNames)[number]): readonly string[] => {
  const card = testCard(name);
  const directory = card.isContactless ? '2PAY.SYS.DDF01' : '1PAY.SYS.DDF01';
  const { aid } = personalise(card);
  return [
    // Case 4, with and without Le; case 2; case 1.
    `00A404000E${toHex(Buffer.from(directory))}00`,
    `00A404000E${toHex(Buffer.from(directory))}`,
    ...(card.isContactless ? [] : ['00B2010C00']),
    `00A40400${aid.length.toString(16).padStart(2, '0')}${toHex(aid)}00`,
    '80CA9F3600',
    '00A4040008F000000000000001',
    '00000000',
  ];
};

beforeAll(async () => {
  if (missing !== undefined) return;
  const program = join(folder, 'bridge.mjs');
  await bundle('firmware-bridge/src/main.ts', program);
  for (const name of testCardNames) writeFileSync(join(folder, `${name}.commands`), `${commandsOf(name).join('\n')}\n`);
  const job = fileURLToPath(new URL('jobs/vpcd.sh', import.meta.url));
  const { status, stderr } = spawnSync('unshare', ['-n', '-m', 'bash', job, folder, program, ...testCardNames], {
    encoding: 'utf8',
    timeout: 540_000,
  });
  if (status !== 0) throw new Error(`the job ended with ${status}: ${stderr}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The answers that opensc-tool printed: status words, and the data of each. */
const answersOf = (printed: string): readonly { readonly sw: string; readonly data: string }[] =>
  [...printed.matchAll(/^Received \(SW1=0x(..), SW2=0x(..)\)(?::\n((?:(?:[0-9A-F]{2} )+.*\n?)+))?/gm)].map(
    ([, sw1 = '', sw2 = '', dump = '']) => ({
      sw: `${sw1}${sw2}`,
      data: dump
        .split('\n')
        .map((line) => line.slice(0, 48).replaceAll(' ', ''))
        .join(''),
    }),
  );

/** What a card answers that is blocked, or has no directory: then it has nothing else to tell. ISO/IEC 7816-4:2020, 5.6. */
const special: Partial<Record<(typeof testCardNames)[number], readonly string[]>> = {
  // A blocked application is selected with a warning (6283), at which opensc-tool itself gives up.
  'visa-application-blocked': ['9000', '9000', '9000'],
  'visa-card-blocked': ['6A81', '6A81', '6985', '6A81', '6985', '6A81', '6D00'],
  'visa-first-account': ['6A82', '6A82', '6985', '9000', '9000', '6A82', '6D00'],
  'visa-second-account': ['6A82', '6A82', '6985', '9000', '9000', '6A82', '6D00'],
  'visa-contactless-no-directory': ['6A82', '6A82', '9000', '9000', '6A82', '6D00'],
};

describe.skipIf(missing !== undefined)('a card of ours in pcscd’s virtual reader', () => {
  it.each(testCardNames)('%s is read by opensc-tool', (name) => {
    const card = testCard(name);
    const image = personalise(card);
    const atr = read(`${name}-atr.out`).trim().replaceAll(':', '').toUpperCase();
    expect(atr.startsWith(card.isContactless ? '3B87' : '3B67')).toBe(true);
    // The checksum, where a protocol other than T=0 is offered. ISO/IEC 7816-3:2006, 8.2.5.
    if (card.isContactless)
      expect(
        hex(atr)
          .subarray(1)
          .reduce((sum, byte) => sum ^ byte, 0),
      ).toBe(0);
    const answers = answersOf(read(`${name}.out`));
    const expected = special[name];
    if (expected) {
      expect(answers.map(({ sw }) => sw)).toEqual(expected);
      return;
    }
    expect(answers.map(({ sw }) => sw)).toEqual([
      '9000',
      // Without Le the answer is announced (61xx) or fetched by the driver; either way it is not refused.
      expect.stringMatching(/^(9000|61..)$/),
      ...(card.isContactless ? [] : ['9000']),
      '9000',
      '9000',
      '6A82',
      expect.stringMatching(/^6[A-F]../),
    ]);
    expect(answers[0]?.data.startsWith('6F')).toBe(true);
    const selected = answers.at(card.isContactless ? 2 : 3)?.data ?? '';
    expect(selected).toContain(`84${image.aid.length.toString(16).padStart(2, '0')}${toHex(image.aid)}`);
    expect(answers.at(-3)?.data.startsWith('9F3602')).toBe(true);
  });

  it.each(testCardNames)('%s tells what happens to it, without its data, and ends cleanly', (name) => {
    const events = read(`${name}.events`)
      .split('\n')
      .filter(Boolean)
      .map((line) => bridgeEvent.parse(JSON.parse(line)));
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['ready', 'cardConnected', 'cardPower', 'cardCommand', 'cardDisconnected']),
    );
    expect(read(`${name}.rc-card`).trim()).toBe('0');
    const pan = testCard(name).pan.use((digits) => Buffer.from(digits).toString('latin1'));
    expect(read(`${name}.events`)).not.toContain(pan);
  });

  it('a slot without a card is empty, before and after', () => {
    for (const name of ['empty', 'gone']) {
      expect(read(`${name}.rc`).trim()).not.toBe('0');
      expect(read(`${name}.out`) + read(`${name}.err`)).toMatch(/not present/i);
    }
    expect(read('scan.out')).toMatch(/Virtual PCD/);
  });

  it('without pcscd the card says that nobody listens', () => {
    expect(read('absent.rc').trim()).toBe('1');
    expect(read('absent.out')).toMatch(/"code":"EXPORT_PEER_UNREACHABLE"/);
  });
});
