import { useSignal } from '@preact/signals';
import {
  type SwitchLink,
  switchLinks,
  switchPaths,
  validityAnswers,
  validityFile,
  type ValidityFileDetail,
  validityFileDetail,
  validityPaths,
} from '@tsunagu/protocols/fleet';
import { validityVerdictNames, validityVerdicts } from '@tsunagu/protocols/validity';
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { ask, faultText } from '../api.ts';
import { may } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { useFresh, useGrowing } from '../parts/growing.tsx';
import { Alert, Mark, Said } from '../parts/index.tsx';
import { keep } from '../parts/keep.ts';
import { Listed } from '../parts/listed.tsx';
import { useOrder } from '../parts/reload.ts';
import { Table } from '../parts/table.tsx';
import { count, moment } from '../text/format.ts';
import { errorText, language, t } from '../text/index.ts';

const refreshMs = 5_000;
const titleOf = (verdict: string): string => {
  const known = validityVerdictNames.find((name) => name === verdict);
  return known === undefined ? verdict : validityVerdicts[known].title[language.value];
};

/** Validity checks in files: those that were handed in, how far each is, its answers, and a form to hand in another. */
export function ValidityPage() {
  const { query } = useLocation();
  const list = useGrowing(validityFile, `${validityPaths.files}?limit=20`);
  useFresh(list, refreshMs);
  const { said, isSending, order } = useOrder();
  const takeAway = (id: string): void =>
    void order(async () => {
      const { name, text } = await ask(validityAnswers, validityPaths.answers(id));
      keep(name, 'text/plain', text);
      return t('validity.taken', { name });
    });
  return (
    <main id="content">
      <section class="panel" aria-labelledby="validity-title">
        <header>
          <h1 id="validity-title">{t('validity.title')}</h1>
        </header>
        <Said of={said.value} />
        <Listed
          list={list}
          id="validity"
          title="validity-title"
          name="validity.title"
          none="validity.none"
          heads={[
            'validity.file',
            'column.link',
            'switch.state',
            { text: 'validity.records', as: 'number' },
            { text: 'validity.waiting', as: 'number' },
            { text: 'validity.refused', as: 'number' },
            'validity.answers',
          ]}
        >
          {(one) => (
            <tr key={one.id} data-file={one.id}>
              <th scope="row">
                <a href={`/switch/validity?file=${encodeURIComponent(one.id)}`}>{one.fileId}</a>
                <span class="under">{moment(one.at)}</span>
              </th>
              <td class="mono">{one.link}</td>
              <td>
                <Mark tone={one.state === 'done' ? 'ok' : 'info'}>{t(`validity.state.${one.state}`)}</Mark>
              </td>
              <td class="number">{count(one.records)}</td>
              <td class="number">{count(one.waiting)}</td>
              <td class="number">{count(one.refused)}</td>
              <td>
                {one.state === 'done' && (
                  <button
                    type="button"
                    class="quiet-button"
                    disabled={isSending.value}
                    aria-label={`${t('validity.take')}: ${one.fileId}`}
                    onClick={() => takeAway(one.id)}
                  >
                    {t('validity.take')}
                  </button>
                )}
              </td>
            </tr>
          )}
        </Listed>
      </section>
      {query['file'] !== undefined && <Detail id={query['file']} />}
      {may('fleet.operate') && <HandIn handedIn={list.anew} />}
    </main>
  );
}

function Detail({ id }: { id: string }) {
  const shown = useSignal<ValidityFileDetail | undefined>(undefined);
  const fault = useSignal('');
  useEffect(() => {
    const load = (): void =>
      void ask(validityFileDetail, validityPaths.file(id)).then(
        (found) => {
          shown.value = found;
          fault.value = '';
        },
        (error: unknown) => {
          fault.value = faultText(error);
        },
      );
    shown.value = undefined;
    load();
    const timer = setInterval(load, refreshMs);
    return () => clearInterval(timer);
  }, [id]);
  const file = shown.value;
  return (
    <section class="panel" aria-labelledby="validity-detail">
      <header>
        <h2 id="validity-detail">{t('validity.one', { file: file?.fileId ?? '' })}</h2>
      </header>
      <Alert text={fault.value} />
      {file && (
        <dl class="facts" data-testid="verdicts">
          {Object.entries(file.verdicts)
            .filter(([, cards]) => cards > 0)
            .flatMap(([verdict, cards]) => [
              <dt key={verdict}>{titleOf(verdict)}</dt>,
              <dd key={`${verdict} cards`}>{count(cards)}</dd>,
            ])}
          {file.waitingFor.flatMap(({ link, cards, isUp }) => [
            <dt key={link}>{t('validity.waitingFor', { link: link === '' ? t('validity.noRoute') : link })}</dt>,
            <dd key={`${link} cards`}>
              {count(cards)} {!isUp && <Mark tone="error">{t('switch.link.down')}</Mark>}
            </dd>,
          ])}
        </dl>
      )}
      {file && file.faults.length > 0 && (
        <Table id="validity-faults" title="validity-detail" heads={['validity.line', 'column.reason']}>
          {file.faults.map(({ code, line, sequence }) => (
            <tr key={`${code} ${line} ${sequence}`}>
              <th scope="row" class="digits">
                {line ?? (sequence === null ? '–' : `#${sequence}`)}
              </th>
              <td class="wide">{errorText(code)}</td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

/** A file stays chosen until the switch took it. */
function HandIn({ handedIn }: { handedIn: () => Promise<void> }) {
  const centres = useSignal<readonly SwitchLink[]>([]);
  const fault = useSignal('');
  const { said, isSending, order } = useOrder();
  useEffect(
    () =>
      void ask(switchLinks, switchPaths.links).then(
        ({ items }) => {
          centres.value = items.filter(({ side }) => side === 'acquirer');
        },
        (error: unknown) => {
          fault.value = faultText(error);
        },
      ),
    [],
  );
  const send = (form: HTMLFormElement): void =>
    void order(async () => {
      const chosen = new FormData(form).get('file');
      const text = chosen instanceof File ? await chosen.text() : '';
      const body = { link: formText(form, 'link'), text };
      const taken = await ask(validityFileDetail, validityPaths.files, {
        method: 'POST',
        body,
        key: crypto.randomUUID(),
      });
      form.reset();
      await handedIn();
      return t('validity.handedIn', { file: taken.fileId, records: taken.records, refused: taken.refused });
    });
  return (
    <form
      class="panel pad"
      aria-label={t('validity.handIn')}
      data-testid="hand-in"
      onSubmit={(event) => {
        event.preventDefault();
        send(event.currentTarget);
      }}
    >
      <h2>{t('validity.handIn')}</h2>
      <Alert text={fault.value} />
      <label>
        {t('validity.centre')}
        <select name="link" required>
          {centres.value.map(({ id, name }) => (
            <option key={id} value={id}>
              {name[language.value]} ({id})
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('validity.file')}
        <input name="file" type="file" required />
      </label>
      <button type="submit" class="primary" disabled={isSending.value}>
        {t('validity.handIn')}
      </button>
      <Said of={said.value} />
    </form>
  );
}
