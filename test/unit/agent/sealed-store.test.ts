import { statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Files, folderFiles, openSealedStore, sealedRecord } from '@tsunagu/firmware-bridge/sealed-store/index';
import { Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { MemoryFiles } from './memory-files.ts';

const world = systemWorld(() => undefined);
const record = sealedRecord('one', z.object({ count: z.number().int() }));
const other = sealedRecord('two', z.object({ count: z.number().int() }));
const folder = await mkdtemp(join(tmpdir(), 'tsunagu-store-'));
afterAll(() => rm(folder, { recursive: true }));

const keyOf = (byte: number) => Secret.take('key', new Uint8Array(16).fill(byte));
const open = async (files: Files) => unwrap(await openSealedStore(files, world));

test('a record reads back with its secret, and its file shows neither', async () => {
  const files = await folderFiles(join(folder, 'a'));
  const store = await open(files);
  unwrap(await store.write(record, { count: 4_711 }, keyOf(0xa5)));
  const again = unwrap(await (await open(files)).read(record));
  expect(again?.facts).toEqual({ count: 4_711 });
  expect(again?.secret?.use(toHex)).toBe('A5'.repeat(16));
  const bytes = await readFile(join(folder, 'a', 'one.sealed'));
  expect(bytes.includes('4711')).toBe(false);
  expect(bytes.includes(Buffer.alloc(8, 0xa5))).toBe(false);
  for (const name of ['one.sealed', 'device.key']) expect(statSync(join(folder, 'a', name)).mode & 0o777).toBe(0o600);
});

test('a record is not there before it is written, nor after it is removed', async () => {
  const store = await open(new MemoryFiles());
  expect(unwrap(await store.read(record))).toBeUndefined();
  unwrap(await store.write(record, { count: 1 }));
  unwrap(await store.remove(record));
  expect(unwrap(await store.read(record))).toBeUndefined();
});

test('a changed byte, a shortened file and another record’s bytes are a damaged record', async () => {
  const files = await folderFiles(join(folder, 'b'));
  const store = await open(files);
  unwrap(await store.write(record, { count: 1 }, keyOf(1)));
  unwrap(await store.write(other, { count: 2 }));
  const path = join(folder, 'b', 'one.sealed');
  const whole = await readFile(path);
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await writeFile(path, changed);
    expect(await store.read(record), `byte ${at}`).toMatchObject({ fault: { code: 'STORE_RECORD_DAMAGED' } });
    await writeFile(path, whole.subarray(0, at));
    expect(await store.read(record), `length ${at}`).toMatchObject({ fault: { code: 'STORE_RECORD_DAMAGED' } });
  }
  await writeFile(path, await readFile(join(folder, 'b', 'two.sealed')));
  expect(await store.read(record)).toMatchObject({ fault: { code: 'STORE_RECORD_DAMAGED' } });
});

test('whichever change the power fails at, a record is its old self or its new self', async () => {
  const before = new MemoryFiles();
  unwrap(await (await open(before)).write(record, { count: 1 }, keyOf(1)));
  const base = before.afterPowerLoss(true);
  const seen = new Set<number>();
  let failures = 0;
  for (let failAt = 1; ; failAt++) {
    const files = base.afterPowerLoss(true, failAt);
    const written = await (await open(files)).write(record, { count: 2 }, keyOf(2));
    if (!written.ok) {
      expect(written.fault.code).toBe('STORE_WRITE_FAILED');
      failures += 1;
    }
    for (const keepUnsynced of [false, true]) {
      const found = unwrap(await (await open(files.afterPowerLoss(keepUnsynced))).read(record));
      const { count } = found?.facts ?? { count: 0 };
      expect(found?.secret?.use(toHex)).toBe(`0${count}`.repeat(16));
      if (written.ok) expect(count).toBe(2);
      seen.add(count);
    }
    if (written.ok) break;
  }
  expect(failures).toBe(3);
  expect(seen).toEqual(new Set([1, 2]));
});

test('a first boot that loses power at any change still opens the next time', async () => {
  for (let failAt = 1; failAt <= 3; failAt++) {
    const files = new MemoryFiles(new Map(), failAt);
    expect(await openSealedStore(files, world)).toMatchObject({ fault: { code: 'STORE_WRITE_FAILED' } });
    for (const keepUnsynced of [false, true]) await open(files.afterPowerLoss(keepUnsynced));
  }
});

test('writes happen in the order of the calls', async () => {
  const store = await open(new MemoryFiles());
  await Promise.all([1, 2, 3, 4, 5].map((count) => store.write(record, { count })));
  expect(unwrap(await store.read(record))?.facts.count).toBe(5);
});
