import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArtefacts } from '@tsunagu/fleet-server/artefacts/index';
import { expect, onTestFinished, test } from 'vitest';

test('an artefact that has suffered on the disk is whole again when its bytes come again; one that has not stays as it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'artefacts-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const artefacts = await openArtefacts(folder);
  const bytes = Buffer.from('an image');
  const { digest } = await artefacts.put(bytes);
  const { ino } = await stat(join(folder, digest));
  await artefacts.put(bytes);
  expect((await stat(join(folder, digest))).ino).toBe(ino);
  for (const suffered of ['an imagE', 'an im', '']) {
    await writeFile(join(folder, digest), suffered);
    await artefacts.put(bytes);
    expect(await readFile(join(folder, digest), 'utf8')).toBe('an image');
  }
});
