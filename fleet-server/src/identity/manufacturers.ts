import { verify, X509Certificate } from 'node:crypto';
import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type addManufacturer,
  certificatesOf,
  type EnrolmentRequest,
  type Manufacturer,
  manufacturerStatement,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { z } from 'zod';
import { isoTime, type Store } from '../store/index.ts';
import { fingerprintOf } from './authority.ts';

/** Certificates from a device to the maker's authority, without that. */
const chainMax = 3;
const manufacturersMax = 256;

/** Makers whose device certificates (IEEE 802.1AR) prove a claim, each for one model. */
export interface Manufacturers {
  list(): Promise<readonly Manufacturer[]>;
  /** Registers an authority. The same one again changes nothing. */
  add(
    maker: z.infer<typeof addManufacturer>,
    by: { readonly subject: string },
  ): Promise<Result<Manufacturer, 'MODEL_UNKNOWN' | 'MANUFACTURER_INVALID'>>;
  remove(
    model: string,
    fingerprint: string,
    by: { readonly subject: string },
  ): Promise<Result<void, 'AUTHORITY_UNKNOWN'>>;
  /**
   * Whether a request comes from the device whose serial it names: its certificate stands below an authority of its model, names the serial in
   * its subject (serialNumber, or else the common name), is in date, and its key signed the request. Whatever is wrong is MANUFACTURER_UNTRUSTED.
   */
  prove(request: EnrolmentRequest, model: string): Promise<Result<void, 'MANUFACTURER_UNTRUSTED'>>;
}

export function openManufacturers(world: Pick<World, 'clock' | 'log'>, store: Store): Manufacturers {
  const view = (row: {
    fingerprint: string;
    model: string;
    subject: string;
    pem: string;
    added_at: number;
    added_by: string;
  }): Manufacturer => ({
    fingerprint: row.fingerprint,
    model: row.model,
    subject: row.subject,
    notAfter: isoTime(Date.parse(new X509Certificate(row.pem).validTo)),
    addedAt: isoTime(row.added_at),
    addedBy: row.added_by,
  });

  return {
    async list() {
      const rows = await store.db
        .selectFrom('manufacturers')
        .selectAll()
        .orderBy('model')
        .orderBy('fingerprint')
        .limit(manufacturersMax)
        .execute();
      return rows.map(view);
    },

    async add({ model, certificate: text }, by) {
      const known = modelOf(model);
      if (!known) return fail('MODEL_UNKNOWN', { field: 'model' });
      let certificate: X509Certificate;
      try {
        certificate = new X509Certificate(text);
      } catch {
        return fail('MANUFACTURER_INVALID', { field: 'certificate' });
      }
      if (!certificate.ca) return fail('MANUFACTURER_INVALID', { field: 'certificate' });
      const row = {
        fingerprint: fingerprintOf(certificate.raw),
        model: known.id,
        subject: certificate.subject.replaceAll('\n', ', ').slice(0, 200),
        pem: certificate.toString(),
        added_at: world.clock.now(),
        added_by: by.subject,
      };
      await store.db
        .insertInto('manufacturers')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      world.log('warn', 'manufacturerAdded', { model: known.id, fingerprint: row.fingerprint, by: by.subject });
      return ok(view(row));
    },

    async remove(model, fingerprint, by) {
      const gone = await store.db
        .deleteFrom('manufacturers')
        .where('model', '=', model)
        .where('fingerprint', '=', fingerprint)
        .executeTakeFirst();
      if (gone.numDeletedRows !== 1n) return fail('AUTHORITY_UNKNOWN');
      world.log('warn', 'manufacturerRemoved', { model, fingerprint, by: by.subject });
      return ok(undefined);
    },

    async prove(request, model) {
      const untrusted = (why: string) => fail('MANUFACTURER_UNTRUSTED', { field: 'manufacturer', facts: { why } });
      const shown = request.manufacturer;
      if (!shown) return untrusted('absent');
      const makers = await store.db.selectFrom('manufacturers').select('pem').where('model', '=', model).execute();
      try {
        const [device, ...above] = certificatesOf(shown.chain).map((pem) => new X509Certificate(pem));
        if (!device || device.ca || above.length >= chainMax) return untrusted('chain');
        if (!namesSerial(device, request.serial)) return untrusted('serial');
        const signature = Buffer.from(shown.signature, 'base64');
        if (!verify('sha256', manufacturerStatement(request), device.publicKey, signature))
          return untrusted('signature');
        const now = world.clock.now();
        let below = device;
        for (const issuer of above) {
          if (!isInDate(below, now) || !isBelow(below, issuer)) return untrusted('chain');
          below = issuer;
        }
        const isTrusted = makers.some(({ pem }) => {
          const maker = new X509Certificate(pem);
          return isInDate(maker, now) && isBelow(below, maker);
        });
        return isTrusted && isInDate(below, now) ? ok(undefined) : untrusted('authority');
      } catch {
        return untrusted('form');
      }
    },
  };
}

const isBelow = (below: X509Certificate, issuer: X509Certificate): boolean =>
  issuer.ca && below.checkIssued(issuer) && below.verify(issuer.publicKey);

const isInDate = ({ validFrom, validTo }: X509Certificate, now: number): boolean =>
  Date.parse(validFrom) <= now && now <= Date.parse(validTo);

/** IEEE 802.1AR-2018, 8.6: the serial number attribute of the subject; makers without it put the serial into the common name. */
function namesSerial({ subject }: X509Certificate, serial: string): boolean {
  const attributes = subject.split('\n');
  const numbered = attributes.find((line) => line.startsWith('serialNumber='));
  return numbered === undefined ? attributes.includes(`CN=${serial}`) : numbered === `serialNumber=${serial}`;
}
