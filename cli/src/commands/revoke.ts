import { fail } from '@tsunagu/protocols/kit';
import { type ExitCode, exit, printFault, refuse } from '../console/index.ts';
import type { Context } from './context.ts';

/** `tsunagu recount SERIAL`: a terminal whose boots the house no longer believes is believed again. */
export async function recountBoots({ client, console, json }: Context, serial: string): Promise<ExitCode> {
  const recounted = await client.recount(serial);
  if (!recounted.ok) return refuse(console, recounted.fault, json);
  console.out(json ? JSON.stringify(recounted.value) : console.texts.recounted(serial));
  return exit.ok;
}

/** `tsunagu revoke SERIAL,SERIAL`: as `revokeCertificate` of each; confirmed by how many there are. Exit 5 when it waits for a second person. */
export async function revokeCertificates(
  { client, console, json }: Context,
  serials: readonly string[],
  { confirm, dryRun }: { readonly confirm?: string; readonly dryRun: boolean },
): Promise<ExitCode> {
  if (!dryRun && confirm !== String(serials.length)) {
    printFault(console, fail('CONFIRMATION_MISSING', { facts: { option: `--confirm ${serials.length}` } }).fault, json);
    return exit.usage;
  }
  const answer = await client.revokeCertificates(serials, dryRun);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { items, approval, failed } = answer.value;
  if (json) console.out(JSON.stringify(answer.value));
  else {
    for (const { serial, code } of items)
      console.out(`${serial}  ${code ?? console.texts.revocation(approval !== undefined, dryRun)}`);
    if (approval !== undefined) console.out(console.texts.revocationHeld(approval));
  }
  return failed > 0 || (approval !== undefined && !dryRun) ? exit.otherOutcome : exit.ok;
}

/** `tsunagu revoke SERIAL`: ends a terminal's certificate and its connections. It cannot be undone, so the serial is said twice. */
export async function revokeCertificate(
  { client, console, json }: Context,
  serial: string,
  confirmed: string | undefined,
): Promise<ExitCode> {
  if (confirmed !== serial) {
    printFault(console, fail('CONFIRMATION_MISSING', { facts: { option: `--confirm ${serial}` } }).fault, json);
    return exit.usage;
  }
  const revoked = await client.revokeCertificate(serial);
  if (!revoked.ok) return refuse(console, revoked.fault, json);
  if (json) console.out(JSON.stringify(revoked.value));
  else console.out(console.texts.revoked(serial));
  return exit.ok;
}
