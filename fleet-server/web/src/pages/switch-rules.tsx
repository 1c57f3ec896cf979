import { useSignal } from '@preact/signals';
import {
  page,
  type RouteExplanation,
  routeExplanation,
  type RoutingRules,
  type SwitchRuleKind,
  switchRuleKinds,
  switchRulePaths,
  type SwitchRulesView,
  switchRulesView,
  type SwitchRuleVersion,
  switchRuleVersion,
} from '@tsunagu/protocols/fleet';
import { useLocation } from 'preact-iso';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiError, ask, faultText } from '../api.ts';
import { may } from '../me.ts';
import { formText } from '../parts/form-text.ts';
import { Alert, Mark, Said } from '../parts/index.tsx';
import { useOrder } from '../parts/reload.ts';
import { Table } from '../parts/table.tsx';
import { count, moment } from '../text/format.ts';
import { language, t } from '../text/index.ts';

const versionList = page(switchRuleVersion);
/** A routing table may have thousands of rows; whoever looks for one asks where a card goes. */
const routesShownMax = 100;

/** The rules of the switch by kind: as they are, as they were, a form to change them, and where a card would go. */
export function SwitchRulesPage() {
  const { query, route } = useLocation();
  const kind = switchRuleKinds.find((one) => one === query['kind']) ?? 'routing';
  return (
    <main id="content">
      <header class="headline">
        <h1>{t('rules.title')}</h1>
        <label>
          {t('rules.kind')}{' '}
          <select
            data-testid="rules-kind"
            value={kind}
            onChange={({ currentTarget: { value } }) => route(`/switch/rules?kind=${value}`)}
          >
            {switchRuleKinds.map((one) => (
              <option key={one} value={one}>
                {t(`rules.kind.${one}`)}
              </option>
            ))}
          </select>
        </label>
      </header>
      {kind === 'routing' && <Explain />}
      <Rules key={kind} kind={kind} />
    </main>
  );
}

/** A rule a line: a routing table has hundreds. */
const textOf = ({ rules }: SwitchRulesView): string =>
  `{\n${Object.entries(rules)
    .map(([name, value]) => {
      const lines =
        Array.isArray(value) && value.length > 0 ? value.map((one) => `    ${JSON.stringify(one)}`) : undefined;
      return `  ${JSON.stringify(name)}: ${lines ? `[\n${lines.join(',\n')}\n  ]` : JSON.stringify(value)}`;
    })
    .join(',\n')}\n}`;

function Routes({ routes }: Pick<RoutingRules, 'routes'>) {
  return (
    <>
      <Table
        id="routes"
        title="rules-title"
        heads={[
          'rules.prefix',
          'rules.scheme',
          'column.link',
          { text: 'rules.priority', as: 'number' },
          { text: 'rules.only', as: 'wide' },
        ]}
      >
        {routes.slice(0, routesShownMax).map((one, index) => (
          <tr key={index}>
            <th scope="row" class="mono">
              {one.prefix}
            </th>
            <td>{[one.scheme, one.brand].filter(Boolean).join(' ')}</td>
            <td class="mono">{one.link}</td>
            <td class="number">{one.priority}</td>
            <td class="wide quiet">
              {[
                one.operations?.join(', '),
                one.entries?.join(', '),
                one.amountMinor && `¥${count(one.amountMinor.least)}–${count(one.amountMinor.most)}`,
                one.hours && `${one.hours.from}–${one.hours.until}`,
                one.days?.join(', '),
              ]
                .filter(Boolean)
                .join(' · ')}
            </td>
          </tr>
        ))}
      </Table>
      {routes.length > routesShownMax && (
        <p class="quiet pad">{t('rules.shown', { shown: count(routesShownMax), all: count(routes.length) })}</p>
      )}
    </>
  );
}

function Rules({ kind }: { kind: SwitchRuleKind }) {
  const newest = useSignal<SwitchRulesView | undefined>(undefined);
  const versions = useSignal<readonly SwitchRuleVersion[]>([]);
  const fault = useSignal('');
  /** What is being written, and over which version. Nothing but its writer throws it away. */
  const draft = useSignal<{ readonly text: string; readonly base: number } | undefined>(undefined);
  const { said, isSending, order } = useOrder();
  const load = async (): Promise<void> => {
    const [view, found] = await Promise.all([
      ask(switchRulesView, switchRulePaths.rules(kind)),
      ask(versionList, `${switchRulePaths.versions(kind)}?limit=20`),
    ]);
    newest.value = view;
    versions.value = found.items;
  };
  const tell = (error: unknown): void => {
    fault.value = faultText(error);
  };
  useEffect(() => void load().catch(tell), [kind]);
  const view = newest.value;
  // Drawn once a version and language, not with each key that is pressed below it.
  const table = useMemo(
    () => view && 'routes' in view.rules && <Routes routes={view.rules.routes} />,
    [view, language.value],
  );
  if (!view) return <Alert text={fault.value} />;
  const { text, base } = draft.value ?? { text: textOf(view), base: view.version };

  const put = (form: HTMLFormElement): void =>
    void order(async () => {
      let rules: unknown;
      try {
        rules = JSON.parse(text);
      } catch (cause) {
        throw new ApiError(
          0,
          'BODY_NOT_JSON',
          t('rules.notJson', { why: cause instanceof Error ? cause.message : '' }),
        );
      }
      const body = { rules, reason: formText(form, 'reason') };
      try {
        const init = { method: 'PUT', body, match: `"${base}"` };
        const { version } = await ask(switchRulesView, switchRulePaths.rules(kind), init);
        form.reset();
        draft.value = undefined;
        return t('rules.inForce', { version });
      } finally {
        // What others wrote in the meantime is to be seen beside what was refused.
        await load();
      }
    });
  const takeUp = (version: number): void =>
    void order(async () => {
      const old = await ask(switchRulesView, switchRulePaths.version(kind, version));
      draft.value = { text: textOf(old), base: view.version };
      return t('rules.takenUp', { version });
    });
  return (
    <>
      <section class="panel" aria-labelledby="rules-title">
        <header>
          <h2 id="rules-title">{t(`rules.kind.${kind}`)}</h2>
          <Mark tone="ok">{t('rules.version', { version: view.version })}</Mark>
        </header>
        <Alert text={fault.value} />
        {table}
        <form
          data-testid="rules"
          onSubmit={(event) => {
            event.preventDefault();
            put(event.currentTarget);
          }}
        >
          <label>
            {t('rules.document')}
            <textarea
              name="rules"
              class="mono"
              rows={18}
              spellcheck={false}
              readOnly={!may('fleet.operate')}
              value={text}
              onInput={({ currentTarget: { value } }) => (draft.value = { text: value, base })}
            />
          </label>
          {base !== view.version && (
            <p role="alert" class="failure" data-testid="rules-behind">
              {t('rules.behind', { base, version: view.version, by: view.by, reason: view.reason })}{' '}
              <button type="button" class="quiet-button" onClick={() => (draft.value = { text, base: view.version })}>
                {t('rules.rebase', { version: view.version })}
              </button>{' '}
              <button type="button" class="quiet-button" onClick={() => (draft.value = undefined)}>
                {t('rules.drop')}
              </button>
            </p>
          )}
          {may('fleet.operate') && (
            <>
              <label>
                {t('config.why')}
                <input name="reason" required maxLength={200} autoComplete="off" />
              </label>
              <button type="submit" class="primary" disabled={isSending.value}>
                {t('rules.put', { version: base + 1 })}
              </button>
            </>
          )}
        </form>
        <Said of={said.value} />
      </section>
      <section class="panel" aria-labelledby="rules-versions">
        <header>
          <h2 id="rules-versions">{t('config.history', { layer: t(`rules.kind.${kind}`) })}</h2>
        </header>
        <Table
          id="rules-history"
          title="rules-versions"
          heads={['config.version', 'audit.when', 'config.by', 'config.why', may('fleet.operate') && 'access.action']}
        >
          {versions.value.map(({ version, at, by, reason }) => (
            <tr key={version}>
              <th scope="row" class="digits">
                v{version}
              </th>
              <td>{at === null ? '–' : moment(at)}</td>
              <td>{by}</td>
              <td class="wide">{reason}</td>
              {may('fleet.operate') && (
                <td>
                  {version !== view.version && (
                    <button type="button" class="quiet-button" onClick={() => takeUp(version)}>
                      {t('rules.takeUp', { version })}
                    </button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </Table>
      </section>
    </>
  );
}

/** Asks the switch where a card would go, and why. */
function Explain() {
  const answer = useSignal<RouteExplanation | undefined>(undefined);
  const fault = useSignal('');
  const send = (form: HTMLFormElement): void => {
    const amount = formText(form, 'amount');
    const body = { digits: formText(form, 'digits'), ...(amount !== '' && { amountMinor: Number(amount) }) };
    void ask(routeExplanation, switchRulePaths.explanations, { method: 'POST', body }).then(
      (said) => {
        answer.value = said;
        fault.value = '';
      },
      (error: unknown) => {
        fault.value = faultText(error);
      },
    );
  };
  const said = answer.value;
  return (
    <section class="panel" aria-labelledby="explain-title">
      <header>
        <h2 id="explain-title">{t('rules.explain')}</h2>
        {said && (
          <Mark tone={said.link === null ? 'error' : 'ok'}>
            {said.link === null
              ? [t('rules.nowhere'), said.standIn].filter(Boolean).join(' · ')
              : `${said.scheme} → ${said.link}`}
          </Mark>
        )}
      </header>
      <form
        class="inline"
        data-testid="explain"
        onSubmit={(event) => {
          event.preventDefault();
          send(event.currentTarget);
        }}
      >
        <label>
          {t('rules.digits')}
          <input name="digits" required pattern="[0-9]{6,11}" inputMode="numeric" autoComplete="off" />
        </label>
        <label>
          {t('switch.by.amount')}
          <input name="amount" pattern="[0-9]{1,12}" inputMode="numeric" autoComplete="off" />
        </label>
        <button type="submit" class="primary">
          {t('campaign.askWhy')}
        </button>
      </form>
      <Alert text={fault.value} />
      {said && said.steps.length > 0 && (
        <Table
          id="explanation"
          title="explain-title"
          heads={['rules.prefix', 'rules.scheme', 'column.link', 'rules.priority', 'column.result']}
        >
          {said.steps.map((step, index) => (
            <tr key={index}>
              <th scope="row" class="mono">
                {step.prefix}
              </th>
              <td>{step.scheme}</td>
              <td class="mono">{step.link}</td>
              <td>{step.priority}</td>
              <td>
                <Mark tone={step.verdict === 'taken' ? 'ok' : step.verdict === 'next' ? 'info' : 'off'}>
                  {t(`rules.verdict.${step.verdict}`)}
                </Mark>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}
