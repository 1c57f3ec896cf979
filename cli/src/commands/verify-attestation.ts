import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { type AttestedRun, coverageOf, openAttestation, totalsOf } from '@tsunagu/protocols/workshop';
import { type Console, type ExitCode, exit, layOut, printFault } from '../console/index.ts';

/**
 * `tsunagu bridge verify FILE`: checks an attestation without bridge, server or network.
 * With a nonce it must be the one that was demanded: an old attestation is none for a new demand.
 * Exit 0 when it is signed by the trusted key, nothing failed and enough was tried; 5 when it is whole but one of these is missing; 1 otherwise.
 */
export async function verifyAttestation(
  console: Console,
  file: string,
  { trustedKey, nonce }: { readonly trustedKey?: string | undefined; readonly nonce?: string | undefined },
  json: boolean,
): Promise<ExitCode> {
  const opened = await open(file, trustedKey);
  if (!opened.ok) {
    printFault(console, opened.fault, json);
    return exit.failed;
  }
  const { attestation, kid, isTrusted } = opened.value;
  if (nonce !== undefined && attestation.nonce !== nonce) {
    printFault(console, fail('ATTESTATION_FOR_ANOTHER').fault, json);
    return exit.failed;
  }
  const totals = totalsOf(attestation);
  const { isEnough, readers, needed } = coverageOf(attestation);
  if (json) console.out(JSON.stringify({ kid, isTrusted, ...totals, isEnough, readers, attestation }));
  else {
    const texts = console.texts.workshop;
    console.out(texts.verified.signature(kid));
    console.out(
      console.paint(isTrusted ? 'ok' : 'warn', isTrusted ? texts.verified.trusted : texts.verified.untrusted),
    );
    console.out(texts.verified.about(attestation.bridge.version, attestation.madeAt, attestation.nonce));
    const heads = texts.columnsOfRuns;
    const rows = layOut(
      [
        { head: heads.reader, cell: (run: AttestedRun) => run.reader.name },
        { head: heads.hardware, cell: (run) => (run.reader.isEmulated ? heads.emulated : heads.real) },
        { head: heads.card, cell: (run) => run.card },
        { head: heads.passed, cell: (run) => String(run.passed), right: true },
        { head: heads.failed, cell: (run) => String(run.failed), right: true },
        { head: heads.skipped, cell: (run) => String(run.skipped), right: true },
        { head: heads.hash, cell: (run) => run.traceHash.slice(0, 16) },
      ],
      attestation.runs,
    );
    for (const row of rows) console.out(row);
    if (!isEnough) console.out(console.paint('error', texts.tooThin(readers, needed.readers, needed.cards)));
  }
  return isTrusted && totals.failed === 0 && isEnough ? exit.ok : exit.otherOutcome;
}

async function open(
  file: string,
  trustedKey: string | undefined,
): Promise<ReturnType<typeof openAttestation> | Result<never>> {
  const text = await read(file);
  if (!text.ok) return text;
  if (trustedKey === undefined) return openAttestation(text.value);
  const pem = await read(trustedKey);
  if (!pem.ok) return pem;
  try {
    // A private key will do as well: its public half is meant.
    const spki = createPublicKey(pem.value).export({ type: 'spki', format: 'der' });
    return openAttestation(text.value, Uint8Array.from(spki));
  } catch (cause) {
    return fail('KEY_FILE_INVALID', { cause, facts: { path: trustedKey } });
  }
}

async function read(path: string): Promise<Result<string>> {
  try {
    return ok(await readFile(path, 'utf8'));
  } catch (cause) {
    return fail('FILE_UNREADABLE', { cause, facts: { path } });
  }
}
