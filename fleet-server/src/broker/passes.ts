import type { Serial } from '@tsunagu/protocols/fleet';
import { ok } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Admission, ShownCertificate } from '../identity/index.ts';

/** So long a terminal may come back without a look into the store. A revocation ends its pass at once. */
const passLifeMs = 300_000;

interface Pass {
  readonly fingerprint: string;
  readonly untilMs: number;
  /** Of the certificate, time of day. */
  readonly notAfter: number;
}

/** Remembers whom `admit` let in a moment ago: when a whole fleet comes back at once, the store has other things to do. */
export class Passes {
  readonly #admit: Admission;
  readonly #clock: World['clock'];
  readonly #passes = new Map<string, Pass & { readonly serial: Serial }>();

  #ends = 0;

  constructor(admit: Admission, clock: World['clock']) {
    this.#admit = admit;
    this.#clock = clock;
  }

  /** @param claimed who the connection says that it is: it counts only with the certificate that was admitted under that name */
  async admit(certificate: ShownCertificate | undefined, claimed: string): ReturnType<Admission> {
    const pass = this.#passes.get(claimed);
    if (
      certificate &&
      pass?.fingerprint === certificate.fingerprint256 &&
      pass.untilMs > this.#clock.monotonicMs() &&
      pass.notAfter > this.#clock.now()
    )
      return ok(pass.serial);
    let admitted: Awaited<ReturnType<Admission>>;
    let ends: number;
    do {
      ends = this.#ends;
      admitted = await this.#admit(certificate);
      // Somebody was revoked while the store was asked: what it said may be of before that.
    } while (ends !== this.#ends);
    if (admitted.ok && certificate)
      this.#passes.set(admitted.value, {
        serial: admitted.value,
        fingerprint: certificate.fingerprint256,
        untilMs: this.#clock.monotonicMs() + passLifeMs,
        notAfter: Date.parse(certificate.validTo),
      });
    return admitted;
  }

  /** From now on the store is asked again. */
  end(serial: Serial): void {
    this.#ends += 1;
    this.#passes.delete(serial);
  }
}
