import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defaultLinks, type Link } from '@tsunagu/protocols/acquiring';
import { parseJson } from '@tsunagu/protocols/fleet';
import { issuerOutageFile } from '@tsunagu/protocols/workshop';
import { z } from 'zod';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';

/** `tsunagu emulate outage LINK`: the emulated issuer of a link of this house is out of order, or comes back; it obeys within a second. */
export async function emulateOutage(
  console: Console,
  data: string,
  link: string,
  isOver: boolean,
  json: boolean,
): Promise<ExitCode> {
  const path = join(data, issuerOutageFile(link));
  if (!existsSync(dirname(path))) {
    printFault(console, { code: 'LINK_UNKNOWN', facts: { link } }, json);
    return exit.failed;
  }
  const sides = await sidesOf(data);
  if (sides.get(link) === 'acquirer') {
    const issuers = [...sides].filter(([id, side]) => side === 'issuer' && existsSync(join(data, 'links', id)));
    const facts = { link, side: 'acquirer', wants: 'issuer', issuers: issuers.map(([id]) => id).join(' ') };
    printFault(console, { code: 'LINK_OTHER_SIDE', facts }, json);
    return exit.failed;
  }
  if (isOver) await rm(path, { force: true });
  else await writeFile(path, '', { mode: 0o600 });
  const texts = console.texts.outage;
  if (json) console.out(JSON.stringify({ link, isOut: !isOver }));
  else console.out(isOver ? texts.over(link) : texts.began(link));
  return exit.ok;
}

const linkFile = z.object({ id: z.string(), side: z.enum(['issuer', 'acquirer']) });
const fileLengthMax = 262_144;

/** On which side each link of a house is: the shipped ones, and those of its link files, which take the place of one with the same id. */
async function sidesOf(data: string): Promise<ReadonlyMap<string, Link['side']>> {
  const sides = new Map(defaultLinks.map(({ id, side }) => [id, side]));
  const folder = join(data, 'links');
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json')) continue;
    const read = parseJson(linkFile, await readFile(join(folder, name)), fileLengthMax);
    if (read.ok) sides.set(read.value.id, read.value.side);
  }
  return sides;
}
