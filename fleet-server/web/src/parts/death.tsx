import { useSignal } from '@preact/signals';
import { type DeathCertificate, deathCertificate, deathInWords, keyRecord, lifePaths } from '@tsunagu/protocols/fleet';
import { useEffect } from 'preact/hooks';
import { z } from 'zod';
import { ask, faultText } from '../api.ts';
import { language, t } from '../text/index.ts';
import { Alert } from './index.tsx';
import { keep } from './keep.ts';

/** The certificate of death of a scrapped terminal, and its signed record and print to take away. */
export function Death({ serial }: { serial: string }) {
  const known = useSignal<{ readonly death: DeathCertificate; readonly kid: string } | undefined>(undefined);
  const fault = useSignal('');
  const guarded = (work: Promise<void>): void =>
    void work.then(
      () => (fault.value = ''),
      (error: unknown) => {
        fault.value = faultText(error);
      },
    );
  const record = () => ask(keyRecord, lifePaths.deathRecord(serial));
  useEffect(
    () =>
      guarded(
        Promise.all([ask(deathCertificate, lifePaths.death(serial)), record()]).then(([death, { document }]) => {
          known.value = { death, kid: document.kid };
        }),
      ),
    [serial],
  );
  const saveRecord = async (): Promise<void> =>
    keep(`${serial}.json`, 'application/json', `${JSON.stringify(await record(), undefined, 2)}\n`);
  const savePdf = async (): Promise<void> => {
    const { pdf } = await ask(z.object({ pdf: z.base64() }), lifePaths.deathReport(serial, language.value));
    keep(
      `${serial}.pdf`,
      'application/pdf',
      Uint8Array.from(atob(pdf), (character) => character.charCodeAt(0)),
    );
  };
  const said = known.value && deathInWords(known.value.death, known.value.kid, language.value);
  return (
    <section class="panel" aria-labelledby="death">
      <header>
        <h2 id="death">{said?.title ?? t('terminal.death')}</h2>
        <span>
          <button type="button" class="quiet-button" onClick={() => guarded(savePdf())}>
            PDF
          </button>{' '}
          <button type="button" class="quiet-button" onClick={() => guarded(saveRecord())}>
            {t('terminal.deathRecord')}
          </button>
        </span>
      </header>
      <Alert text={fault.value} />
      {said && (
        <>
          <dl class="facts">
            {[...said.facts, ...said.masses].map(([head, value]) => [
              <dt key={`${head} head`}>{head}</dt>,
              <dd key={head}>{value}</dd>,
            ])}
          </dl>
          <table>
            <caption>{said.keysTitle}</caption>
            <thead>
              <tr>
                {said.keyHeads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {said.keys.map((cells) => (
                <tr key={cells.join(' ')}>
                  {cells.map((cell, index) => (
                    <td key={said.keyHeads[index]} class="mono">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          <p class="quiet pad">{said.signed}</p>
        </>
      )}
    </section>
  );
}
