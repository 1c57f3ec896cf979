import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { custodyKeyPurpose, handover, noCustody, signHand } from '@tsunagu/protocols/custody';
import { keyIdOf } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, expect, test } from 'vitest';
import { openClient } from '../../../cli/src/client/index.ts';
import { acceptHandover, makeCustodyKey, offerHandover } from '../../../cli/src/commands/custody.ts';
import { writePack } from '../../../cli/src/commands/evidence.ts';
import { openKeyAt, publicKeyAt } from '../../../cli/src/commands/key-files.ts';
import { openConsole } from '../../../cli/src/console/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsunagu-hands-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
writeFileSync(at('passphrase'), 'a passphrase of a hand');
const passphraseFile = at('passphrase');

const said: string[] = [];
const sink = { write: (text: string) => said.push(text) };
const console = openConsole({ env: {}, stdout: sink, stderr: sink });
const world = systemWorld(() => undefined);
const bench = { world, console, json: false };
const told = () => said.splice(0).join('');

const made = async (name: string): Promise<string> => {
  expect(await makeCustodyKey(bench, at(name), { passphraseFile })).toBe(0);
  return keyIdOf(Buffer.from(unwrap(await publicKeyAt(at(name))), 'base64'));
};

test('who takes a terminal is told what is wrong with their signature, and signs over nothing', async () => {
  const [from, to] = [await made('giver.key'), await made('taker.key')];
  const giver = unwrap(await openKeyAt(at('giver.key'), custodyKeyPurpose, { passphraseFile }));
  const payload = JSON.stringify(
    handover.parse({
      v: 1,
      serial: 'CT5100-0001',
      seq: 1,
      prev: noCustody.hash,
      at: '2026-01-01T00:00:00.000Z',
      from,
      to,
      bag: 'BAG-0001',
      photo: null,
      place: '',
    }),
  );
  writeFileSync(at('offer'), JSON.stringify({ payload, giver: signHand(payload, giver) }));
  told();
  const accept = async (key: string, bag?: string) => {
    const options = { key: at(key), out: at('handed'), passphraseFile, ...(bag !== undefined && { bag }) };
    return { code: await acceptHandover(bench, at('offer'), options), said: told() };
  };
  expect(await accept('taker.key')).toEqual({ code: 1, said: expect.stringContaining('CUSTODY_BAG_UNSAID') });
  expect(await accept('taker.key', 'BAG-0002')).toMatchObject({
    said: expect.stringContaining('CUSTODY_BAG_MISMATCH'),
  });
  expect(await accept('giver.key', 'BAG-0001')).toMatchObject({ said: expect.stringContaining('CUSTODY_OTHER_HAND') });
  expect(await accept('taker.key', 'BAG-0001')).toMatchObject({ code: 0 });
  const signed = readFileSync(at('handed'), 'utf8');
  expect(await accept('taker.key', 'BAG-0001')).toEqual({ code: 1, said: expect.stringContaining('FILE_EXISTS') });
  expect(readFileSync(at('handed'), 'utf8')).toBe(signed);

  // Nobody gives to oneself; this is seen before the server is asked.
  const client = openClient({ url: 'http://127.0.0.1:9', token: 'nobody' }, world);
  const offer = { key: at('giver.key'), to: from, out: at('own'), place: '', passphraseFile };
  expect(await offerHandover({ ...bench, client }, 'CT5100-0001', offer)).toBe(1);
  expect(told()).toContain('CUSTODY_SAME_HAND');
  // A day that is none is named by its option.
  for (const [first, last, field] of [
    ['yesterday', '2026-01-31', 'from'],
    ['2026-01-01', '2026-02-30', 'to'],
  ] as const) {
    expect(await writePack({ ...bench, client }, { from: first, to: last, out: at('pack') })).toBe(1);
    expect(told()).toContain(`(--${field}, wants=YYYY-MM-DD)`);
  }
});
