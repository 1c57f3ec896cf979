import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Negative } from './ports.ts';

/** How often the folder is looked at. A file is taken when it did not change between two looks. */
const lookMs = 2_000;
const sourcesMax = 64;
const filesMax = 256;
const bytesMax = 64 * 1024 * 1024;
const reportsKept = 100;
/** After a failure of ours (a full disk, say) a file is tried again, this much later. */
const againMs = 60_000;

const sourceName = /^[a-z0-9-]{1,32}$/;
/** What lists are called; everything else is left alone: files on their way (`.part`), reports, what was refused. */
const listName = /^[^.].*\.(csv|txt|jsonl)$/i;
/** A whole list: what it does not name is off for its source. */
const fullName = /\.full\.[a-z]+$/i;

/** A watched folder. */
export interface Inbox {
  close(): Promise<void>;
}

/**
 * Takes in the lists that issuers put into a folder: `FOLDER/SOURCE/NAME.csv` adds, `FOLDER/SOURCE/NAME.full.csv` is the whole list of its
 * source. A source that has a list of its own name fills that one. What was taken in is removed, since it holds card numbers, and `NAME.report.json` says what became of it; what cannot be taken is
 * kept beside it as `NAME.refused`. A power loss between taking and removing takes the file again, which changes nothing.
 */
export async function watchInbox(world: World, folder: string, importList: Negative['importList']): Promise<Inbox> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let seen = new Map<string, string>();
  const notBefore = new Map<string, number>();
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const now = new Map<string, string>();
    for (const source of (await readdir(folder)).filter((name) => sourceName.test(name)).slice(0, sourcesMax)) {
      const names = await readdir(join(folder, source)).catch(() => []);
      for (const name of names
        .filter((one) => listName.test(one))
        .toSorted()
        .slice(0, filesMax)) {
        const path = join(folder, source, name);
        const found = await stat(path).catch(() => undefined);
        if (found?.isFile() !== true) continue;
        const state = `${found.size}/${found.mtimeMs}`;
        now.set(path, state);
        if (seen.get(path) === state && (notBefore.get(path) ?? 0) <= world.clock.now())
          await take(source, path, found.size);
      }
    }
    seen = now;
    for (const path of notBefore.keys()) if (!now.has(path)) notBefore.delete(path);
  }

  async function take(source: string, path: string, size: number): Promise<void> {
    const name = basename(path);
    try {
      const text = size > bytesMax ? fail('NEGATIVE_LIST_REFUSED', { field: 'size' }) : await textOf(path);
      const mode = fullName.test(name) ? 'replace' : 'add';
      const by = { subject: `inbox/${source}` };
      const imported = text.ok ? await importList({ list: source, source, mode, text: text.value }, by) : text;
      if (!imported.ok) {
        const { code, field, facts } = imported.fault;
        await report(path, { taken: false, code, field, ...facts });
        await rename(path, `${path}.refused`);
        world.log('warn', 'negativeListRefused', { source, fault: imported.fault });
        return;
      }
      await report(path, { taken: true, mode, ...imported.value });
      await rm(path);
    } catch (cause) {
      // Ours, not the file's: it stays, and is tried again.
      notBefore.set(path, world.clock.now() + againMs);
      world.log('error', 'negativeListNotTaken', { source, fault: { code: 'INTERNAL', cause } });
    }
  }

  async function report(path: string, facts: object): Promise<void> {
    const target = `${path}.report.json`;
    const file = await open(`${target}.part`, 'w', 0o600);
    try {
      await file.writeFile(
        `${JSON.stringify({ at: new Date(world.clock.now()).toISOString(), ...facts }, undefined, 2)}\n`,
      );
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${target}.part`, target);
    await forgetOldReports(join(path, '..'));
  }

  const timer = world.timers.every(lookMs, () => {
    looking ??= look()
      .catch((cause: unknown) => world.log('warn', 'negativeInboxUnreadable', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        looking = undefined;
      });
  });
  return {
    async close() {
      timer.cancel();
      await looking;
    },
  };
}

/** A file as text; not UTF-8 is no list. */
async function textOf(path: string): Promise<Result<string, 'NEGATIVE_LIST_REFUSED'>> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path)));
  } catch (cause) {
    if (cause instanceof TypeError) return fail('NEGATIVE_LIST_REFUSED', { field: 'text' });
    throw cause;
  }
}

async function forgetOldReports(folder: string): Promise<void> {
  const reports = (await readdir(folder)).filter((name) => name.endsWith('.report.json'));
  if (reports.length <= reportsKept) return;
  const dated = await Promise.all(
    reports.map(async (name) => ({ name, at: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  for (const { name } of dated.toSorted((a, b) => a.at - b.at).slice(0, reports.length - reportsKept))
    await rm(join(folder, name), { force: true });
}
