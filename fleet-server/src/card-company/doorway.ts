import type { Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { LinkCredentials } from '../switch/link/credentials.ts';
import { type CardCompany, type CardCompanyOptions, openCardCompany } from './card-company.ts';
import { followCredentials } from './credentials-file.ts';

/** How often it is looked whether the issuer is to be out of order. */
const lookEveryMs = 500;

/** An emulated issuer whose door can be shut and opened again while its books stay. */
export interface Doorway {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Opens an emulated issuer, and shuts it as long as it is to be out of order: its port is closed and every connection ends, as when its machine stops. The
 * others of the process are untouched.
 *
 * @param isOut whether it is to be out of order now
 */
export async function openDoorway(
  world: World,
  options: Omit<CardCompanyOptions, 'credentials'>,
  credentials: { readonly path: string; readonly first: LinkCredentials },
  isOut: () => Promise<boolean>,
): Promise<Result<Doorway, 'PORT_TAKEN' | 'ISSUER_CREDENTIALS_INVALID'>> {
  let shown = credentials.first;
  // Opened once in any case: a port that is taken is told at the start, not after an outage.
  const first = await openCardCompany(world, { ...options, credentials: shown });
  if (!first.ok) return first;
  const { port } = first.value;
  let company: CardCompany | undefined = first.value;
  let moving: Promise<void> = Promise.resolve();
  const following = followCredentials(world, credentials.path, shown, (next) => {
    shown = next;
    company?.renew(next);
  });
  async function look(): Promise<void> {
    const wanted = await isOut();
    if (wanted && company !== undefined) {
      const out = company;
      company = undefined;
      await out.shut();
      world.log('warn', 'issuerOutage', { link: options.link?.id ?? '' });
    } else if (!wanted && company === undefined) {
      const back = await openCardCompany(world, { ...options, port, credentials: shown });
      if (back.ok) company = back.value;
      world.log(back.ok ? 'info' : 'error', 'issuerBack', {
        link: options.link?.id ?? '',
        ...(!back.ok && { fault: back.fault }),
      });
    }
  }
  const looking = world.timers.every(lookEveryMs, () => {
    moving = moving.then(look).catch((cause: unknown) => {
      world.log('error', 'requestFailed', { fault: { code: 'INTERNAL', cause } });
    });
  });
  await look();
  return {
    ok: true,
    value: {
      port,
      async close() {
        looking.cancel();
        following.cancel();
        await moving;
        await company?.close();
        if (company === undefined) {
          await options.ledger.close();
          await options.transit?.close();
          options.tap?.close();
        }
      },
    },
  };
}
