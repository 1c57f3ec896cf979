import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { issuerOutageFile } from '@tsunagu/protocols/workshop';
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
  if (isOver) await rm(path, { force: true });
  else await writeFile(path, '', { mode: 0o600 });
  const texts = console.texts.outage;
  if (json) console.out(JSON.stringify({ link, isOut: !isOver }));
  else console.out(isOver ? texts.over(link) : texts.began(link));
  return exit.ok;
}
