import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lifePaths, parseWith, type Serial, serialSchema, wipeCertificate } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type ExitCode, exit, readCsvText, refuse } from '../console/index.ts';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import type { Context } from './context.ts';

/** A wipe asks for a second person for each terminal, so a batch is one that people can still look at. */
const batchMax = 1_000;

const table = z.array(z.object({ info: z.object({ lines: z.number() }), record: z.array(z.string()) }));

/** Serials of a CSV file (RFC 4180): the first cell of each line, without a head called `serial`. One that is none refuses the whole file. */
async function serialsIn(file: string): Promise<Result<readonly Serial[], 'FILE_UNREADABLE' | 'OPTION_INVALID'>> {
  const text = await readCsvText(file);
  if (!text.ok) return text;
  let rows: z.output<typeof table>;
  try {
    rows = table.parse(
      parse(text.value, { bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true }),
    );
  } catch (cause) {
    return fail('OPTION_INVALID', { field: 'file', cause });
  }
  const serials = new Set<Serial>();
  for (const [index, { info, record }] of rows.entries()) {
    const cell = record[0] ?? '';
    if (index === 0 && cell === 'serial') continue;
    const serial = parseWith(serialSchema, cell);
    if (!serial.ok) return fail('OPTION_INVALID', { field: 'file', facts: { line: info.lines } });
    serials.add(serial.value);
  }
  return serials.size > 0 && serials.size <= batchMax
    ? ok([...serials])
    : fail('OPTION_INVALID', { field: 'file', facts: { serials: serials.size, max: batchMax } });
}

/** `tsunagu workshop wipe FILE`: orders a wipe of each. Exit 5 when one could not be ordered. */
export async function orderWipes({ client, console, json }: Context, file: string): Promise<ExitCode> {
  const serials = await serialsIn(file);
  if (!serials.ok) return refuse(console, serials.fault, json);
  const items: { serial: Serial; job: string | null; state: string }[] = [];
  for (const serial of serials.value) {
    const ordered = await client.orderJob(serial, { job: { type: 'terminal.wipe', params: {} } });
    items.push(
      ordered.ok
        ? { serial, job: ordered.value.id, state: ordered.value.state }
        : { serial, job: null, state: ordered.fault.code },
    );
  }
  if (json) console.out(JSON.stringify(items));
  else {
    for (const { serial, job, state } of items) console.out([serial, state, job].filter(Boolean).join('  '));
    console.out(console.texts.life.wipesOrdered(items.filter(({ job }) => job !== null).length));
  }
  return items.some(({ job }) => job === null) ? exit.otherOutcome : exit.ok;
}

/**
 * `tsunagu workshop wiped FILE --out FOLDER`: a certificate for each that swore to its wipe, and one list of all of them with the SHA-256 of
 * each certificate. Exit 5 when one has none.
 */
export async function writeWipeCertificates(
  { client, console, json }: Context,
  file: string,
  { out }: { readonly out: string },
): Promise<ExitCode> {
  const serials = await serialsIn(file);
  if (!serials.ok) return refuse(console, serials.fault, json);
  const rows: string[] = [];
  let missing = 0;
  try {
    await mkdir(out);
    for (const serial of serials.value) {
      const answer = await client.ask(wipeCertificate, lifePaths.wipeCertificate(serial));
      if (!answer.ok) {
        missing += 1;
        rows.push([serial, '', '', '', '', answer.fault.code].join(','));
        continue;
      }
      const { job, at, approvedBy } = answer.value;
      const text = `${JSON.stringify(answer.value, null, 2)}\n`;
      await writeFile(join(out, `${serial}.json`), text);
      const digest = createHash('sha256').update(text).digest('hex');
      rows.push([serial, job, at, approvedBy ?? '', digest, 'wiped'].join(','));
    }
    await writeFile(
      join(out, 'list.csv'),
      `${['serial,job,at,approvedBy,certificateSha256,state', ...rows].join('\r\n')}\r\n`,
    );
  } catch (cause) {
    return refuse(console, fail('OPTION_INVALID', { field: 'out', cause }).fault, json);
  }
  const certified = serials.value.length - missing;
  console.out(
    json
      ? JSON.stringify({ folder: out, certified, missing })
      : console.texts.life.wipesCertified(certified, missing, out),
  );
  return missing > 0 ? exit.otherOutcome : exit.ok;
}
