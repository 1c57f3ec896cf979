import { type DeathCertificate, deathInWords, keyRecord, lifePaths, verifyKeyRecord } from '@tsunagu/protocols/fleet';
import { fail } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { type Console, type ExitCode, exit, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { saveRecord, writeOut } from './record-file.ts';

/** A certificate of death in the reader's language. */
export function tellDeath(console: Console, death: DeathCertificate, kid: string): void {
  const { title, facts, keysTitle, keys, massTitle, masses, signed } = deathInWords(death, kid, console.language);
  console.out(console.paint('bold', title));
  for (const [head, value] of facts) console.out(`  ${console.paint('muted', head)}  ${value}`);
  console.out(keysTitle);
  for (const cells of keys) console.out(`  ${cells.join('  ')}`);
  console.out(massTitle);
  for (const [head, value] of masses) console.out(`  ${console.paint('muted', head)}  ${value}`);
  console.out(console.paint('muted', signed));
}

/**
 * `tsunagu workshop death SERIAL`: the certificate of death, after its signature was checked; or into a file, as PDF when its name ends so, else as the signed
 * record.
 */
export async function showDeath(context: Context, serial: string, out?: string): Promise<ExitCode> {
  const { client, console, json } = context;
  if (out?.endsWith('.pdf') === true) {
    const pdf = await client.ask(z.object({ pdf: z.base64() }), lifePaths.deathReport(serial, console.language));
    if (!pdf.ok) return refuse(console, pdf.fault, json);
    return await writeOut(context, out, Buffer.from(pdf.value.pdf, 'base64'));
  }
  const asked = client.ask(keyRecord, lifePaths.deathRecord(serial));
  if (out !== undefined) return await saveRecord(context, asked, out);
  const record = await asked;
  if (!record.ok) return refuse(console, record.fault, json);
  const verified = verifyKeyRecord(record.value);
  if (!verified.ok) return refuse(console, verified.fault, json);
  if (verified.value.record !== 'death')
    return refuse(console, fail('KEY_RECORD_INVALID', { field: 'record' }).fault, json);
  if (json) console.out(JSON.stringify(verified.value.death));
  else tellDeath(console, verified.value.death, record.value.document.kid);
  return exit.ok;
}
