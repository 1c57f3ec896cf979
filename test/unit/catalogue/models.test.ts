import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lackedForJob, modelOf, models, readCatalogue } from '@tsunagu/protocols/catalogue';
import { expect, test } from 'vitest';

const source = (id: string) =>
  JSON.parse(JSON.stringify(models.find((model) => model.id === id))) as Record<string, unknown>;
const file = (name: string, model: object) => ({ name, text: JSON.stringify(model) });

test('holds every model of the company profile, oldest first, and several that came after it', () => {
  const profile = models.filter(({ source: from }) => from === 'company-profile').map(({ id }) => id);
  expect(profile).toEqual(
    'CATS200M CATS200S CATS200 JET-HANDY CATS200I DA3200 CATS220 JT211AA CATS240 CT-3100 ShopCraid FTMP JT-C07 CT-4100 CATS300 JET-Smart JT-C17 iWL250 CT-5100'.split(
      ' ',
    ),
  );
  expect(models.filter(({ source: from }) => from === 'maker').length).toBeGreaterThanOrEqual(5);
  // The kernels of a model are there for its antenna, and what it weighs is more than its battery: the schema says so for each file.
  expect(models.every(({ readers, kernels }) => kernels.length === 0 || readers.includes('contactless'))).toBe(true);
});

test('a new model is one file: a fresh process knows it, and one without the file does not', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-models-'));
  try {
    for (const part of ['dist', 'models', 'package.json'])
      cpSync(join(root, 'protocols', part), join(folder, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
    const look =
      "const { modelOf } = await import('./dist/catalogue/index.js'); console.log(modelOf('TEST-9000')?.maker ?? 'unknown')";
    const seen = () =>
      execFileSync(process.execPath, ['--input-type=module', '--eval', look], { cwd: folder, encoding: 'utf8' }).trim();
    expect(seen()).toBe('unknown');
    const model = { ...source('CT-5100'), id: 'TEST-9000', maker: 'Nobody' };
    writeFileSync(join(folder, 'models', 'TEST-9000.json'), JSON.stringify(model));
    expect(seen()).toBe('Nobody');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a file that is wrong is named with its field and is not taken; the others are', () => {
  const good = source('CT-5100');
  const beside = file('CT-4100', source('CT-4100'));
  expect(readCatalogue([file('CT-5100', good)])).toMatchObject({ models: [{ id: 'CT-5100' }], faults: [] });
  for (const [change, field] of [
    [{ readers: ['telepathy'] }, 'readers'],
    [{ kernels: [9] }, 'kernels'],
    [{ readers: ['stripe'] }, 'kernels'],
    [{ batteryGrams: 5_000 }, 'batteryGrams'],
    [{ colour: 'red' }, 'colour \\(unrecognized_keys\\)'],
    [{ maker: undefined }, 'maker \\('],
    [{ negativeFileBytesMax: -1 }, 'negativeFileBytesMax'],
    [{ id: 'CT-5101' }, 'id \\(CT-5100\\)'],
  ] as const)
    expect(readCatalogue([file('CT-5100', { ...good, ...change }), beside])).toMatchObject({
      models: [{ id: 'CT-4100' }],
      faults: [
        {
          code: 'MODEL_FILE_INVALID',
          facts: { file: 'models/CT-5100.json', wrong: expect.stringMatching(new RegExp(`^${field}`)) },
        },
      ],
    });
  expect(readCatalogue([{ name: 'CT-5100', text: '{' }, beside])).toMatchObject({
    models: [{ id: 'CT-4100' }],
    faults: [{ facts: { wrong: 'INPUT_INVALID (json)' } }],
  });
});

test('says what a job asks of a model that it cannot do', () => {
  const order = (kind: 'preauth' | 'charge' | 'history') =>
    ({ type: 'payment.run', params: { kind, amountMinor: 1, card: 'x' } }) as const;
  const lacked = (id: string, kind: 'preauth' | 'charge' | 'history') => {
    const model = modelOf(id);
    if (!model) throw new Error(id);
    return lackedForJob(model, order(kind));
  };
  expect(lacked('JT-C07', 'preauth')).toBe('preauth');
  expect(lacked('CT-5100', 'preauth')).toBeUndefined();
  expect(lacked('JT-C07', 'charge')).toBe('charge');
  expect(lacked('CATS240', 'history')).toBe('felica');
  // A gift card has a stripe.
  expect(lacked('CATS240', 'charge')).toBeUndefined();
});
