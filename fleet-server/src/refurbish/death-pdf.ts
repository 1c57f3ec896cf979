import { type DeathCertificate, deathInWords } from '@tsunagu/protocols/fleet';
import { paperPdf } from '../papers/index.ts';

const keyWidths = [80, 34, 62, 130, 88, 121] as const;
const massWidths = [150, 365] as const;

/** The certificate of death as PDF, A4: the print of the record that key `kid` signed. */
export function deathPdf(death: DeathCertificate, kid: string, language: 'ja' | 'en'): Promise<Uint8Array> {
  const { title, clause, facts, keysTitle, keyHeads, keys, massTitle, masses, signed } = deathInWords(
    death,
    kid,
    language,
  );
  const [receipt, ...weighed] = masses;
  return paperPdf({
    title,
    id: death.serial,
    clause,
    at: death.at,
    facts: [...facts, ...(receipt ? [receipt] : [])],
    tables: [
      { title: keysTitle, widths: keyWidths, heads: keyHeads, rows: keys },
      { title: massTitle, widths: massWidths, heads: ['', ''], rows: weighed },
    ],
    signed,
  });
}
