import { readFile } from 'node:fs/promises';
import {
  custodyKeyPurpose,
  handover,
  holder,
  type OfferedHandover,
  offeredHandover,
  signedHandover,
  signHand,
  verifyCustody,
} from '@tsunagu/protocols/custody';
import {
  custodyAlarmView,
  custodyView,
  holderRevocation,
  keyIdOf,
  lifePaths,
  parseJson,
  parseWith,
  revokeHolder,
} from '@tsunagu/protocols/fleet';
import { makeKeyFile } from '@tsunagu/protocols/key-file';
import { fail, ok } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';
import { optionFault, type Console, exit, type ExitCode, printList, refuse } from '../console/index.ts';
import type { Context } from './context.ts';
import { documentAt, writeNew } from './document-file.ts';
import { openKeyAt, type PassphraseOptions, passphraseOf, publicKeyAt, writeKeyFile } from './key-files.ts';
import { photoHash } from './lifecycle.ts';

/** A technician's bench: no server. */
export interface Bench {
  readonly world: World;
  readonly console: Console;
  readonly json: boolean;
}

const custodies = z.object({ items: z.array(custodyAlarmView) });
const holders = z.object({ items: z.array(holder) });

/** `tsunagu custody key FILE`: a key of one's own, sealed under a passphrase. Needs no server. */
export async function makeCustodyKey(
  { world, console, json }: Bench,
  file: string,
  options: PassphraseOptions,
): Promise<ExitCode> {
  const passphrase = await passphraseOf(options);
  if (!passphrase.ok) return refuse(console, passphrase.fault, json);
  const made = makeKeyFile(custodyKeyPurpose, passphrase.value, (bytes) => world.entropy(bytes));
  if (!made.ok) return refuse(console, made.fault, json);
  await writeKeyFile(file, made.value);
  const kid = keyIdOf(Buffer.from(made.value.publicKey, 'base64'));
  console.out(json ? JSON.stringify({ kid, file }) : console.texts.life.keyMade(kid, file));
  return exit.ok;
}

/** `tsunagu custody holder NAME --key FILE`: registers a hand, or a bench; the private key stays where it is. */
export async function addHolder({ client, console, json }: Context, name: string, file: string): Promise<ExitCode> {
  const publicKey = await publicKeyAt(file);
  if (!publicKey.ok) return refuse(console, publicKey.fault, json);
  const answer = await client.ask(holder, lifePaths.custodyHolders, { name, publicKey: publicKey.value });
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify(answer.value) : `${answer.value.kid}  ${answer.value.name}`);
  return exit.ok;
}

/** `tsunagu custody holders`: whose hands count. */
export async function listHolders({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.ask(holders, lifePaths.custodyHolders);
  if (!answer.ok) return refuse(console, answer.fault, json);
  if (json) console.out(JSON.stringify(answer.value.items));
  else
    printList(
      console,
      answer.value.items.map(({ kid, name, revokedAt, successor }) =>
        revokedAt === undefined
          ? `${kid}  ${name}`
          : console.paint('muted', `${kid}  ${name}  ${console.texts.life.revoked(revokedAt.slice(0, 16), successor)}`),
      ),
    );
  return exit.ok;
}

/** `tsunagu custody revoke KID --reason TEXT`: a lost key. Exit 5 when terminals have to be looked at. */
export async function revokeHand(
  { client, console, json }: Context,
  kid: string,
  options: { readonly at?: string; readonly reason: string; readonly successor?: string },
): Promise<ExitCode> {
  const body = parseWith(revokeHolder, options);
  if (!body.ok) return refuse(console, optionFault(body.fault), json);
  const answer = await client.ask(holderRevocation, lifePaths.custodyRevocation(kid), body.value);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { revokedAt, successor, holds, doubtful } = answer.value;
  const { life } = console.texts;
  if (json) console.out(JSON.stringify(answer.value));
  else {
    console.out(`${kid}  ${life.revoked(revokedAt.slice(0, 16), successor ?? undefined)}`);
    if (holds.length > 0) console.out(life.revokedHolds(holds.join(' ')));
    if (doubtful.length > 0) console.out(console.paint('warn', life.revokedSigned(doubtful.join(' '))));
  }
  return doubtful.length > 0 || (holds.length > 0 && successor === null) ? exit.otherOutcome : exit.ok;
}

/** `tsunagu custody show SERIAL`: in whose hands it is. */
export async function showCustody({ client, console, json }: Context, serial: string): Promise<ExitCode> {
  const answer = await client.ask(custodyView, lifePaths.custody(serial));
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { holder: held, bag, handovers } = answer.value;
  if (json) console.out(JSON.stringify(answer.value));
  else {
    console.out(
      `${console.paint('bold', serial)}  ${held ? `${held.name} (${held.kid})` : console.texts.life.nobody}  ${bag ?? ''}`.trimEnd(),
    );
    for (const { seq, at, from, to, bag: used } of handovers)
      console.out(`  ${seq}  ${at.slice(0, 16).replace('T', ' ')}  ${from} → ${to}  ${used ?? ''}`);
  }
  return exit.ok;
}

/** Who signs, and what is handed over. */
export interface OfferOptions extends PassphraseOptions {
  readonly key: string;
  readonly to: string;
  readonly bag?: string;
  readonly photo?: string;
  readonly place: string;
  readonly out: string;
}

/** `tsunagu custody offer SERIAL`: the giver's signature, after the newest hand-over that the server knows. */
export async function offerHandover(
  { client, console, json, world }: Context,
  serial: string,
  options: OfferOptions,
): Promise<ExitCode> {
  const key = await openKeyAt(options.key, custodyKeyPurpose, options);
  if (!key.ok) return refuse(console, key.fault, json);
  const from = keyIdOf(key.value.publicKey);
  if (options.to === from) return refuse(console, fail('CUSTODY_SAME_HAND', { field: 'to' }).fault, json);
  const photo = options.photo === undefined ? ok(null) : await photoHash(options.photo);
  if (!photo.ok) return refuse(console, photo.fault, json);
  const now = await client.ask(custodyView, lifePaths.custody(serial));
  if (!now.ok) return refuse(console, now.fault, json);
  const made = parseWith(handover, {
    v: 1,
    serial,
    seq: now.value.seq + 1,
    prev: now.value.hash,
    at: new Date(world.clock.now()).toISOString(),
    from,
    to: options.to,
    bag: options.bag ?? null,
    photo: photo.value,
    place: options.place,
  });
  if (!made.ok) return refuse(console, optionFault(made.fault), json);
  const payload = JSON.stringify(made.value);
  const offered: OfferedHandover = { payload, giver: signHand(payload, key.value) };
  const written = await writeNew(options.out, `${JSON.stringify(offered, null, 2)}\n`);
  if (!written.ok) return refuse(console, written.fault, json);
  console.out(
    json ? JSON.stringify({ file: options.out, ...made.value }) : console.texts.life.offered(serial, options.out),
  );
  return exit.ok;
}

/**
 * `tsunagu custody accept FILE`: the receiver's signature. Needs no server. The receiver says which bag is in front of them; another than
 * the offer's is not signed for.
 */
export async function acceptHandover(
  { console, json }: Bench,
  file: string,
  options: PassphraseOptions & { readonly key: string; readonly bag?: string; readonly out: string },
): Promise<ExitCode> {
  const offer = await documentAt(file, offeredHandover, 'CUSTODY_INVALID');
  if (!offer.ok) return refuse(console, offer.fault, json);
  const body = parseJson(handover, offer.value.payload);
  if (!body.ok) return refuse(console, fail('CUSTODY_INVALID', { facts: { path: file } }).fault, json);
  if (body.value.bag !== null && options.bag === undefined)
    return refuse(console, fail('CUSTODY_BAG_UNSAID', { facts: { sent: body.value.bag } }).fault, json);
  if (body.value.bag !== (options.bag ?? null)) {
    const facts = { sent: body.value.bag ?? '-', seen: options.bag ?? '-' };
    return refuse(console, fail('CUSTODY_BAG_MISMATCH', { facts }).fault, json);
  }
  const key = await openKeyAt(options.key, custodyKeyPurpose, options);
  if (!key.ok) return refuse(console, key.fault, json);
  if (body.value.to !== keyIdOf(key.value.publicKey))
    return refuse(console, fail('CUSTODY_OTHER_HAND', { facts: { to: body.value.to } }).fault, json);
  const signed = { ...offer.value, receiver: signHand(offer.value.payload, key.value) };
  const written = await writeNew(options.out, `${JSON.stringify(signed, null, 2)}\n`);
  if (!written.ok) return refuse(console, written.fault, json);
  console.out(
    json ? JSON.stringify({ file: options.out }) : console.texts.life.accepted(body.value.serial, options.out),
  );
  return exit.ok;
}

/** `tsunagu custody deliver FILES`: hand-overs to the server, now or days later; those that it has already count once. */
export async function deliverHandovers(
  { client, console, json }: Context,
  files: readonly string[],
): Promise<ExitCode> {
  let code: ExitCode = exit.ok;
  for (const file of files) {
    const read = await documentAt(file, signedHandover, 'CUSTODY_INVALID');
    const answer = read.ok ? await client.ask(custodyView, lifePaths.custodyHandovers, read.value) : read;
    if (!answer.ok) code = refuse(console, answer.fault, json);
    else
      console.out(
        json ? JSON.stringify(answer.value) : `${file}  ${answer.value.seq}  ${answer.value.holder?.name ?? ''}`,
      );
  }
  return code;
}

/** `tsunagu custody mismatch SERIAL --seen BAG`: another bag than was sent. */
export async function reportMismatch(
  { client, console, json }: Context,
  serial: string,
  seen: string,
): Promise<ExitCode> {
  const answer = await client.ask(custodyView, lifePaths.custodyMismatch(serial), { seen });
  if (!answer.ok) return refuse(console, answer.fault, json);
  console.out(json ? JSON.stringify(answer.value) : console.texts.life.quarantined(serial));
  return exit.ok;
}

/** `tsunagu custody alarms`: what stays too long or moved with no hand on it. Exit 5 when there is any. */
export async function listCustodyAlarms({ client, console, json }: Context): Promise<ExitCode> {
  const answer = await client.ask(custodies, lifePaths.custodyAlarms);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const { items } = answer.value;
  if (json) console.out(JSON.stringify(items));
  else
    printList(
      console,
      items.map(
        ({ serial, kind, state, since }) =>
          `${serial}  ${console.texts.life.alarm[kind]}  ${console.texts.identity.state[state]}  ${since.slice(0, 10)}`,
      ),
    );
  return items.length > 0 ? exit.otherOutcome : exit.ok;
}

/** `tsunagu custody export FILE`: every chain, for the verifier. */
export async function exportCustody({ client, console, json }: Context, file: string): Promise<ExitCode> {
  const answer = await client.askText(lifePaths.custodyExport);
  if (!answer.ok) return refuse(console, answer.fault, json);
  const written = await writeNew(file, answer.value);
  if (!written.ok) return refuse(console, written.fault, json);
  console.out(json ? JSON.stringify({ file }) : file);
  return exit.ok;
}

/** `tsunagu custody verify FILE`: reads exported chains, or one hand-over, and says what is wrong. Needs no server. Exit 1 when something is. */
export async function verifyCustodyFile({ console, json }: Bench, file: string): Promise<ExitCode> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return refuse(console, fail('FILE_UNREADABLE', { facts: { path: file } }).fault, json);
  const { findings, terminals, handovers, holders: hands } = verifyCustody(text.split('\n'));
  const isWhole = findings.length === 0 && handovers > 0;
  if (json) console.out(JSON.stringify({ isWhole, terminals, handovers, findings, holders: hands }));
  else {
    for (const { code, line, serial } of findings) console.out(console.paint('error', `${line}  ${serial}  ${code}`));
    for (const { kid, name } of hands) console.out(console.paint('muted', `${kid}  ${name}`));
    console.out(console.texts.life.verified(terminals, handovers, findings.length));
  }
  return isWhole ? exit.ok : exit.failed;
}
