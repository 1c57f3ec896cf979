import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { job } from '@tsunagu/protocols/fleet';
import { testCard } from '@tsunagu/protocols/test-cards';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './bundle.ts';
import { missingFor } from './machine.ts';

const missing = missingFor('namespace');
if (missing !== undefined) console.log(`hardware in the loop, a house at a real reader: skipped, ${missing}`);

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-real-'));
const read = (name: string): string => {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

beforeAll(async () => {
  if (missing !== undefined) return;
  const program = join(folder, 'bridge.mjs');
  const fatal = join(folder, 'fatal-card.mjs');
  await Promise.all([bundle('firmware-bridge/src/main.ts', program), bundle('test/hil/jobs/fatal-card.ts', fatal)]);
  const job = fileURLToPath(new URL('jobs/house.sh', import.meta.url));
  const { status, stderr } = spawnSync('unshare', ['-n', '-m', 'bash', job, folder, repository, program, fatal], {
    encoding: 'utf8',
    timeout: 540_000,
  });
  if (status !== 0) throw new Error(`the job ended with ${status}: ${stderr}\n${read('house.err')}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(missing !== undefined)('a house whose terminal reads cards through pcscd', () => {
  it('sells with the card that is in the reader: through kernel, switch and card company', () => {
    expect(read('sale.rc').trim()).toBe('0');
    const { sale } = job.parse(JSON.parse(read('sale.out')));
    expect(sale).toMatchObject({ outcome: 'approved', entry: 'contact', scheme: 'visa', amountMinor: 1_280 });
    const commands = read('card.events');
    expect(commands).toMatch(/"cardCommand"/);
  });

  it.each([
    ['pulled', 'a card that is taken out while its issuer is asked', { outcome: 'reversed', amountMinor: 1_281 }],
    ['whole', 'the card that is left in after it', { outcome: 'approved', amountMinor: 1_282 }],
    ['cut', 'a daemon that dies while records are read', { outcome: 'failed', amountMinor: 1_283 }],
    ['after', 'the daemon that runs again', { outcome: 'approved', amountMinor: 1_284 }],
  ])('knows what became of each sale (%s): %s', (name, _what, expected) => {
    expect(job.parse(JSON.parse(read(`${name}.out`))).sale).toMatchObject(expected);
  });

  it('shows and certifies the reader at the bench, through the same daemon', () => {
    expect(read('watch.out')).toContain('3B6700005453554E414755');
    expect(read('certify.rc').trim()).toBe('0');
    expect(read('certify.out')).toMatch(/"scriptEnded".*"failed":0/);
  });

  it('knows no card by its name', () => {
    expect(read('named.rc').trim()).not.toBe('0');
    expect(read('named.out')).toContain('CARD_NOT_EMULATED');
  });

  it('says that nobody presented a card', () => {
    expect(read('absent.out')).toContain('READER_CARD_ABSENT');
  });

  it('writes the card number nowhere', () => {
    const pan = testCard('visa-contact').pan.use((digits) => Buffer.from(digits).toString('latin1'));
    const found = spawnSync('grep', ['-rla', pan, join(folder, 'house')], { encoding: 'utf8' });
    expect(found.stdout).toBe('');
  });
});
