import { useSignal } from '@preact/signals';
import {
  campaignDetail,
  type CampaignDryRun,
  campaignDryRun,
  type CampaignSpec,
  campaignSpec,
  causeCodes,
  causeTexts,
  gateMetrics,
  jobKinds,
  jobOfMany,
  type JobType,
  jobTypes,
  keySlots,
  managementPaths,
  page,
  type SoftwareTarget,
  softwareTarget,
  weekdays,
} from '@tsunagu/protocols/fleet';
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { ask, faultText } from '../api.ts';
import { may } from '../me.ts';
import { settingName, useSettings, ValueField } from '../parts/effective.tsx';
import { FaultsOf, Place, useFaults } from '../parts/faults.tsx';
import { formDocument } from '../parts/form-document.ts';
import { Alert, Mark } from '../parts/index.tsx';
import { titleOf } from '../parts/terminal-jobs.tsx';
import { count } from '../text/format.ts';
import { language, t, tAny, type TextKey } from '../text/index.ts';

const kinds = ['software', 'configuration', 'keys', 'job'] as const;
type Kind = (typeof kinds)[number];
const minuteMs = 60_000;
/** What a campaign is unless told: the numbers that stand in the form. */
const usual: CampaignSpec = campaignSpec.parse({
  name: '-',
  action: { kind: 'job', body: { type: 'terminal.test', params: {} } },
});
const usualRing = usual.rings[0];
/** Asks whom a query finds, whatever is done to them. */
const anything = { name: '-', action: usual.action, gate: null };
/** A campaign may order these as plain jobs: the rest has its own way, or needs a person for each. */
const ofMany: readonly string[] = jobOfMany.options.map(({ shape }) => shape.type.value);
const jobsOffered = jobTypes.filter((type) => ofMany.includes(type));
const needsNothing = (type: JobType): boolean => jobKinds[type].params.safeParse({}).success;

/** A form that proposes a campaign: whom it would reach stands in it before it is sent, and what is refused next to its field. */
export function ProposeCampaignPage() {
  const { route } = useLocation();
  const kind = useSignal<Kind>('software');
  const isWatched = useSignal(true);
  const reach = useSignal<CampaignDryRun | undefined>(undefined);
  const isSending = useSignal(false);
  const { fault, clear, tell } = useFaults();

  const documentOf = (form: HTMLFormElement): object => ({
    ...Object(formDocument(form)),
    ...(!isWatched.value && { gate: null }),
  });
  const send = async (form: HTMLFormElement, work: () => Promise<void>): Promise<void> => {
    isSending.value = true;
    clear();
    try {
      await work();
    } catch (error) {
      reach.value = undefined;
      tell(form, error);
    } finally {
      isSending.value = false;
    }
  };
  const dryRun = (body: object): Promise<CampaignDryRun> =>
    ask(campaignDryRun, managementPaths.campaignDryRuns, { method: 'POST', body });
  const countOf = (form: HTMLFormElement, target: string): void =>
    void send(form, async () => void (reach.value = await dryRun({ ...anything, target })));
  const tryOut = (form: HTMLFormElement): void =>
    void send(form, async () => void (reach.value = await dryRun(documentOf(form))));
  const propose = (form: HTMLFormElement): void =>
    void send(form, async () => {
      const init = { method: 'POST', key: crypto.randomUUID(), body: documentOf(form) };
      route(`/campaigns/${(await ask(campaignDetail, managementPaths.campaigns, init)).id}`);
    });
  if (!may('campaigns.order')) return <Alert text={t('campaign.mayNot')} />;
  return (
    <main id="content">
      <h1>{t('campaign.propose')}</h1>
      <FaultsOf of={fault}>
        <form
          class="panel"
          aria-label={t('campaign.propose')}
          data-testid="propose"
          onSubmit={(event) => {
            event.preventDefault();
            if (event.submitter?.getAttribute('value') === 'try') tryOut(event.currentTarget);
            else propose(event.currentTarget);
          }}
        >
          <Text at="name" text="access.name" isRequired lengthMax={80} />
          <Place at="target">
            <label>
              {t('campaign.target')}
              <input
                type="text"
                name="target"
                class="mono"
                maxLength={2_000}
                autoComplete="off"
                spellcheck={false}
                placeholder="model = CT-5100 and version < 2.0.0"
                onChange={({ currentTarget: { form, value } }) => form && countOf(form, value)}
              />
            </label>
            <p class="hint quiet">{t('campaign.targetHow')}</p>
          </Place>
          <Reach of={reach.value} />
          <Check at="isDynamic" text="campaign.dynamic" />
          <Text at="requires" text="campaign.requires" />

          <Place at="action">
            <fieldset>
              <legend>{t('campaign.action')}</legend>
              <label>
                {t('campaign.kind')}
                <select
                  name="action.kind"
                  value={kind.value}
                  onChange={({ currentTarget: { value } }) =>
                    (kind.value = kinds.find((one) => one === value) ?? 'software')
                  }
                >
                  {kinds.map((one) => (
                    <option key={one} value={one}>
                      {t(`campaign.kind.${one}`)}
                    </option>
                  ))}
                </select>
              </label>
              {kind.value === 'software' && <Software />}
              {kind.value === 'configuration' && <Settings />}
              {kind.value === 'keys' && <Keys />}
              {kind.value === 'job' && <Job />}
            </fieldset>
          </Place>

          <Rows at="rings" title="campaign.rings" add="campaign.addRing" least={1} most={10}>
            {(at, _number, isLast) => <Ring at={at} percent={isLast ? 100 : undefined} />}
          </Rows>

          <Place at="pace">
            <fieldset class="numbers">
              <legend>{t('campaign.pace')}</legend>
              <Figure
                at="pace.perMinute"
                text="campaign.perMinute"
                value={usual.pace.perMinute}
                min={1}
                max={100_000}
              />
              <Figure at="pace.growth" text="campaign.growth" value={usual.pace.growth} min={1} max={10} step="any" />
              <Figure at="pace.every" text="campaign.every" value={usual.pace.every} min={1} max={100_000} />
              <Figure
                at="pace.perMinuteMax"
                text="campaign.perMinuteMax"
                value={usual.pace.perMinuteMax}
                min={1}
                max={100_000}
              />
              <Figure at="pace.openMax" text="campaign.openMax" value={usual.pace.openMax} min={1} max={10_000} />
            </fieldset>
          </Place>

          <Rows at="windows" title="campaign.windows" add="campaign.addWindow" least={0} most={14}>
            {(at) => <Window at={at} />}
          </Rows>
          <fieldset class="numbers">
            <legend>{t('campaign.when')}</legend>
            <Text at="timeZone" text="campaign.timeZone" value={usual.timeZone} lengthMax={64} />
            <Text at="startAt" text="campaign.startAt" type="datetime-local" />
            <Text at="endAt" text="campaign.endAt" type="datetime-local" />
            <Figure at="attemptsMax" text="campaign.attemptsMax" value={usual.attemptsMax} min={1} max={10} />
          </fieldset>

          <Place at="gate">
            <fieldset>
              <legend>{t('campaign.gate')}</legend>
              <label>
                <input
                  type="checkbox"
                  data-testid="watched"
                  checked={isWatched.value}
                  onChange={({ currentTarget: { checked } }) => (isWatched.value = checked)}
                />
                {t('campaign.watched')}
              </label>
              {isWatched.value && <Gate />}
            </fieldset>
          </Place>

          <Place at="" />
          <p class="buttons">
            <button type="submit" value="try" class="quiet-button" disabled={isSending.value}>
              {t('campaign.dryRun')}
            </button>
            <button type="submit" value="propose" class="primary" disabled={isSending.value}>
              {t('campaign.propose')}
            </button>
          </p>
          <p class="hint quiet">{t('campaign.secondPerson')}</p>
        </form>
      </FaultsOf>
    </main>
  );
}

/** Whom it would reach, who is left out and why, and who would have to wait. */
function Reach({ of }: { of: CampaignDryRun | undefined }) {
  if (!of) return null;
  const { cohort, rings, sample, excluded, waiting } = of;
  return (
    <div data-testid="reach" role="status">
      <Mark tone={cohort > 0 ? 'ok' : 'warn'}>{t('campaign.reach', { terminals: count(cohort) })}</Mark>{' '}
      {rings.length > 1 && <span class="quiet">{rings.map((ring) => count(ring)).join(' / ')}</span>}
      {sample.length > 0 && (
        <p class="quiet">
          {sample.join(' ')} {cohort > sample.length && '…'}
        </p>
      )}
      {excluded.length + waiting.length > 0 && (
        <ul>
          {excluded.map(({ why, terminals, sample: first }) => (
            <li key={why}>{t('campaign.leftOut', { terminals: count(terminals), why, sample: first.join(' ') })}</li>
          ))}
          {waiting.map(({ code, terminals }) => (
            <li key={code}>{t('campaign.wouldWait', { terminals: count(terminals), why: causeOf(code) })}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A cause without the facts of a terminal. */
function causeOf(code: string): string {
  const known = causeCodes.find((one) => one === code);
  return known === undefined ? code : causeTexts[known][language.value]({});
}

/** The images that the signed targets name. */
function Software() {
  const images = useSignal<readonly SoftwareTarget[] | undefined>(undefined);
  const failure = useSignal('');
  useEffect(
    () =>
      void everyImage().then(
        (found) => (images.value = found),
        (error: unknown) => (failure.value = faultText(error)),
      ),
    [],
  );
  const choice = (at: string, text: TextKey) => (
    <Place at={at}>
      <fieldset>
        <legend>{t(text)}</legend>
        {images.value?.map(({ digest, model, version }) => (
          <label key={digest}>
            <input type="checkbox" name={at} value={digest} /> {model} {version}{' '}
            <code class="quiet">{digest.slice(0, 12)}</code>
          </label>
        ))}
        {images.value?.length === 0 && <p class="quiet">{t('campaign.noImages')}</p>}
      </fieldset>
    </Place>
  );
  return (
    <>
      <Alert text={failure.value} />
      {choice('action.images', 'campaign.images')}
      {choice('action.back', 'campaign.back')}
      <Check at="action.allowDowngrade" text="campaign.allowDowngrade" />
      <Check at="attested" text="campaign.attested" />
    </>
  );
}

async function everyImage(): Promise<readonly SoftwareTarget[]> {
  const all: SoftwareTarget[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const part: { items: SoftwareTarget[]; next: string | null } = await ask(
      page(softwareTarget),
      `${managementPaths.software}?limit=200${more}`,
    );
    all.push(...part.items);
    cursor = part.next;
  }
  return all;
}

/** Settings and their values, one after another. */
function Settings() {
  const all = useSettings();
  const chosen = useSignal<readonly string[]>([]);
  const left = [...all.keys()].filter((setting) => !chosen.value.includes(setting));
  return (
    <Place at="action.values">
      {chosen.value.map((setting) => {
        const facts = all.get(setting);
        return (
          facts && (
            <Place key={setting} at={`action.values.${setting}`}>
              <div class="row">
                <strong>{settingName(all, setting)}</strong>
                <ValueField facts={facts} value={facts.factory} name={`action.values.${setting}`} />
                <button
                  type="button"
                  class="quiet-button"
                  aria-label={`${t('campaign.takeOut')}: ${settingName(all, setting)}`}
                  onClick={() => (chosen.value = chosen.value.filter((one) => one !== setting))}
                >
                  {t('campaign.takeOut')}
                </button>
              </div>
            </Place>
          )
        );
      })}
      <label>
        {t('campaign.addSetting')}
        <select
          data-testid="add-setting"
          value=""
          onChange={({ currentTarget: { value } }) => {
            if (value !== '') chosen.value = [...chosen.value, value];
          }}
        >
          <option value="">–</option>
          {left.map((setting) => (
            <option key={setting} value={setting}>
              {settingName(all, setting)}
            </option>
          ))}
        </select>
      </label>
    </Place>
  );
}

const Keys = () => (
  <>
    <Place at="action.slot">
      <label>
        {t('campaign.slot')}
        <input type="text" name="action.slot" list="slots" required autoComplete="off" defaultValue="dukpt" />
      </label>
      <datalist id="slots">
        {keySlots.map((slot) => (
          <option key={slot} value={slot} />
        ))}
      </datalist>
    </Place>
    <Text at="action.below" text="campaign.below" />
  </>
);

/** A plain job, and where it needs more than its name, what it needs. */
function Job() {
  const type = useSignal<JobType>('terminal.diagnose');
  const one = (
    at: string,
    text: TextKey,
    isBack: boolean,
    chosen: JobType | undefined,
    choose: (next: string) => void,
  ) => (
    <Place at={at}>
      <label>
        {t(text)}
        <select name={`${at}.type`} value={chosen ?? ''} onChange={({ currentTarget: { value } }) => choose(value)}>
          {isBack && <option value="">–</option>}
          {jobsOffered.map((kind) => (
            <option key={kind} value={kind}>
              {titleOf(kind)}
            </option>
          ))}
        </select>
      </label>
      {chosen !== undefined && (
        <Place at={`${at}.params`}>
          <label>
            {t('campaign.params')}
            <textarea
              key={chosen}
              name={`${at}.params`}
              class="mono"
              rows={needsNothing(chosen) ? 1 : 5}
              spellcheck={false}
              data-as="json"
              defaultValue="{}"
            />
          </label>
        </Place>
      )}
    </Place>
  );
  const back = useSignal<JobType | undefined>(undefined);
  return (
    <>
      {one('action.body', 'campaign.job', false, type.value, (next) => {
        type.value = jobsOffered.find((kind) => kind === next) ?? type.value;
      })}
      {one('action.back', 'campaign.jobBack', true, back.value, (next) => {
        back.value = jobsOffered.find((kind) => kind === next);
      })}
    </>
  );
}

/** Parts of a form that there may be several of: their names count as they stand. */
function Rows({
  at,
  title,
  add,
  least,
  most,
  children,
}: {
  at: string;
  title: TextKey;
  add: TextKey;
  least: number;
  most: number;
  children: (at: string, number: number, isLast: boolean) => ComponentChildren;
}) {
  // Each keeps what was written in it when another is taken out.
  const rows = useSignal<readonly number[]>(Array.from({ length: least }, (_, index) => index));
  return (
    <Place at={at}>
      <fieldset data-testid={at}>
        <legend>{t(title)}</legend>
        {rows.value.map((row, index) => (
          <fieldset key={row} class="numbers">
            <legend>{index + 1}</legend>
            {children(`${at}.${index}`, index + 1, row === 0 && least > 0)}
            {rows.value.length > least && (row > 0 || least === 0) && (
              <button
                type="button"
                class="quiet-button"
                aria-label={`${t('campaign.takeOut')}: ${t(title)} ${index + 1}`}
                onClick={() => (rows.value = rows.value.filter((one) => one !== row))}
              >
                {t('campaign.takeOut')}
              </button>
            )}
          </fieldset>
        ))}
        {rows.value.length < most && (
          <button
            type="button"
            class="quiet-button"
            data-testid={`add-${at}`}
            onClick={() => {
              const next = Math.max(0, ...rows.value) + 1;
              // The last ring is the whole: another one goes before it.
              rows.value =
                least > 0 ? [...rows.value.slice(0, -1), next, ...rows.value.slice(-1)] : [...rows.value, next];
            }}
          >
            {t(add)}
          </button>
        )}
      </fieldset>
    </Place>
  );
}

const Ring = ({ at, percent }: { at: string; percent: number | undefined }) => (
  <>
    <Figure at={`${at}.percent`} text="campaign.percent" value={percent} min={0} max={100} step="any" isRequired />
    <Figure at={`${at}.soakMs`} text="campaign.soak" value={0} min={0} times={minuteMs} />
    <Figure
      at={`${at}.enoughPercent`}
      text="campaign.enough"
      value={usualRing?.enoughPercent}
      min={1}
      max={100}
      step="any"
    />
    <Place at={`${at}.promotion`}>
      <label>
        {t('campaign.promotion')}
        <select name={`${at}.promotion`}>
          {(['automatic', 'person'] as const).map((who) => (
            <option key={who} value={who}>
              {t(`campaign.promotion.${who}`)}
            </option>
          ))}
        </select>
      </label>
    </Place>
    <Place at={`${at}.failures`} />
    <Figure at={`${at}.failures.count`} text="campaign.failures.count" value={undefined} min={1} max={1_000_000} />
    <Figure
      at={`${at}.failures.percent`}
      text="campaign.failures.percent"
      value={usualRing?.failures.percent}
      min={0}
      max={100}
      step="any"
    />
    <Figure
      at={`${at}.failures.minimum`}
      text="campaign.failures.minimum"
      value={usualRing?.failures.minimum}
      min={1}
      max={1_000_000}
    />
  </>
);

const Window = ({ at }: { at: string }) => (
  <>
    <Place at={`${at}.days`}>
      <div class="row">
        {weekdays.map((day) => (
          <label key={day}>
            <input type="checkbox" name={`${at}.days`} value={day} defaultChecked /> {t(`campaign.day.${day}`)}
          </label>
        ))}
      </div>
    </Place>
    <Text at={`${at}.from`} text="campaign.from" type="time" isRequired />
    <Text at={`${at}.until`} text="campaign.until" type="time" isRequired />
  </>
);

const Gate = () => (
  <>
    <Place at="gate.metrics">
      {gateMetrics.map((metric) => (
        <label key={metric}>
          <input type="checkbox" name="gate.metrics" value={metric} defaultChecked /> {tAny('metric', metric)}
        </label>
      ))}
    </Place>
    <div class="numbers">
      <Figure at="gate.alpha" text="campaign.alpha" value={usual.gate?.alpha} min={0} max={0.2} step="any" />
      <Figure at="gate.margin" text="campaign.margin" value={usual.gate?.margin} min={0} max={0.5} step="any" />
      <Figure at="gate.salesMin" text="campaign.salesMin" value={usual.gate?.salesMin} min={0} />
    </div>
  </>
);

const Text = ({
  at,
  text,
  value = '',
  type = 'text',
  isRequired = false,
  lengthMax = 2_000,
}: {
  at: string;
  text: TextKey;
  value?: string;
  type?: 'text' | 'time' | 'datetime-local';
  isRequired?: boolean;
  lengthMax?: number;
}) => {
  const shared = { name: at, required: isRequired, defaultValue: value };
  return (
    <Place at={at}>
      <label>
        {t(text)}
        {type === 'text' ? (
          <input type="text" {...shared} maxLength={lengthMax} autoComplete="off" />
        ) : (
          <input type={type} {...shared} />
        )}
      </label>
    </Place>
  );
};

const Figure = ({
  at,
  text,
  value,
  min,
  max,
  step,
  times,
  isRequired = false,
}: {
  at: string;
  text: TextKey;
  value: number | undefined;
  min: number;
  max?: number;
  step?: 'any';
  times?: number;
  isRequired?: boolean;
}) => (
  <Place at={at}>
    <label>
      {t(text)}
      <input
        type="number"
        name={at}
        required={isRequired}
        defaultValue={value === undefined ? '' : String(value)}
        min={min}
        max={max}
        step={step}
        data-times={times}
      />
    </label>
  </Place>
);

const Check = ({ at, text }: { at: string; text: TextKey }) => (
  <Place at={at}>
    <label class="check">
      <input type="checkbox" name={at} /> {t(text)}
    </label>
  </Place>
);
