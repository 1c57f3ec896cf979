import { lackedForJob, modelOf } from '@tsunagu/protocols/catalogue';
import {
  type CampaignAction,
  type CampaignSpec,
  configuration,
  contradictionIn,
  isSettingName,
  lackedFor,
  repositoryFaults,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import { loadSubject } from '../keys/index.ts';
import { changeValues } from '../twin/index.ts';
import type { Action, CampaignRooms, ImageOrder } from './ports.ts';
import { atPath, isNewer, type TerminalFacts } from './rules/match.ts';

/** An emulated or real terminal has so long to prove another software, milliseconds. */
const proofTimeoutMs = 60_000;

type Kind = CampaignAction['kind'];
type Make<K extends Kind> = (
  rooms: CampaignRooms,
  action: Extract<CampaignAction, { readonly kind: K }>,
  spec: Pick<CampaignSpec, 'name' | 'gate' | 'attested'>,
  id: string,
) => Promise<Result<Action>>;

/** What each kind of campaign does. A new kind is a new entry. */
const kinds: { readonly [K in Kind]: Make<K> } = {
  async software(rooms, { images, back, allowDowngrade }, { gate, attested }) {
    const forward = await ordersOf(rooms, images, allowDowngrade);
    if (!forward.ok) return forward;
    const backward = await ordersOf(rooms, back, true);
    if (!backward.ok) return backward;
    const isLowered = [...backward.value].some(
      ([model, { install }]) => install.counter < (forward.value.get(model)?.install.counter ?? 0),
    );
    const covers = [...forward.value.keys()].every((model) => backward.value.has(model));
    if (isLowered || (gate !== null && !covers)) return fail('CAMPAIGN_CANNOT_GO_BACK', { field: 'action.back' });
    if (attested)
      for (const digest of images)
        if (!(await rooms.software.isAttested(digest)))
          return fail('CAMPAIGN_NOT_ATTESTED', { field: 'action.images', facts: { digest } });
    return ok({
      subject: 'software',
      canGoBack: covers,
      cause(facts) {
        const { model, version } = facts;
        const image = forward.value.get(model);
        if (!image) return { code: 'MODEL_WITHOUT_IMAGE', facts: { model } };
        const wanted = image.install.version;
        if (!allowDowngrade && version !== undefined && isNewer(version, wanted))
          return { code: 'ALREADY_NEWER', facts: { version, wanted } };
        return missingFor(image, facts);
      },
      held() {
        const inTime = rooms.software.inTime();
        if (inTime.ok) return undefined;
        const { field = '', facts } = inTime.fault;
        return { code: 'SOFTWARE_EXPIRED', facts: { role: field, expired: String(facts?.['expires'] ?? '') } } as const;
      },
      isHad: ({ model, version }) => version !== undefined && forward.value.get(model)?.install.version === version,
      async order(tx, { serial, model }, leg, reference) {
        const found = (leg === 'forward' ? forward : backward).value.get(model);
        if (!found) return undefined;
        const body = { type: 'software.install', params: found.install } as const;
        return await rooms.jobs.queueIn(tx, serialSchema.parse(serial), body, 'campaign/software', reference);
      },
      isPending: (fault) => repositoryFaults.some((code) => code === fault),
    });
  },

  async configuration({ twin: { campaignLayers }, jobs }, { values }, { name }, id) {
    const wanted = Object.entries(values);
    if (wanted.length === 0) return await Promise.resolve(fail('INPUT_INVALID', { field: 'action.values' }));
    const fits = changeValues({}, values, undefined);
    if (!fits.ok) return fail(fits.fault.code, { ...fits.fault, field: `action.values.${fits.fault.field ?? ''}` });
    return ok({
      subject: 'configuration',
      canGoBack: true,
      async proposed(tx, by) {
        unwrap(await campaignLayers.write(tx, id, values, { subject: by, reason: name }));
      },
      cause(facts) {
        const { model, own, desired } = facts;
        const able = wanted.filter(([setting]) => isAble(setting, model));
        if (able.length === 0) return { code: 'BEYOND_MODEL', facts: { model, setting: wanted[0]?.[0] ?? '' } };
        const over = able.find(([setting, value]) => {
          const set = settingIn(own, setting);
          return set !== undefined && set !== value;
        });
        if (over) return { code: 'SETTING_OVERRIDDEN', facts: { setting: over[0] } };
        const whole = configuration.safeParse({ ...objectOf(desired), ...Object.fromEntries(able) });
        const contradiction = whole.success ? contradictionIn(whole.data) : undefined;
        return contradiction
          ? { code: 'SETTING_CONTRADICTS', facts: { setting: contradiction.field, with: contradiction.facts.with } }
          : undefined;
      },
      isHad: ({ model, desired, reported, isAsDesired }) =>
        isAsDesired &&
        wanted.every(
          ([setting, value]) =>
            !isAble(setting, model) ||
            (settingIn(desired, setting) === value && settingIn(reported, setting) === value),
        ),
      async order(tx, facts, leg, reference) {
        const serial = serialSchema.parse(facts.serial);
        const body = { type: 'configuration.apply', params: {} } as const;
        const job = await jobs.queueIn(tx, serial, body, 'campaign/configuration', reference);
        if (job !== undefined) await campaignLayers[leg === 'forward' ? 'join' : 'leave'](tx, id, [serial]);
        return job;
      },
      // It is staged, and waits for the window of the terminal's own in which a change may disturb.
      isPending: (fault) => fault === 'CONFIGURATION_WAITS',
      withdraw: (tx, serials) => campaignLayers.leave(tx, id, serials),
    });
  },

  async keys(rooms, { slot, below }) {
    return await Promise.resolve(
      ok({
        subject: `keys/${slot}`,
        canGoBack: false,
        cause: ({ hello }) =>
          hasKey(hello, slot) ? undefined : ({ code: 'KEY_SLOT_EMPTY', facts: { slot } } as const),
        isHad: ({ baseKey }) => below !== undefined && baseKey !== below,
        async order(tx, facts, _leg, reference) {
          const serial = serialSchema.parse(facts.serial);
          // A key that is on its way must not be replaced by one that then finds no job.
          if (await rooms.jobs.isOpen(tx, serial, loadSubject(slot))) return undefined;
          const load = await rooms.keys.rotate(tx, serial, slot);
          if (!load) return undefined;
          return await rooms.jobs.queueIn(tx, serial, { type: 'key.load', params: load }, loadSubject(slot), reference);
        },
      }),
    );
  },

  async job(rooms, { body, back }) {
    return await Promise.resolve(
      ok({
        subject: `job/${body.type}`,
        canGoBack: back !== undefined,
        cause({ model }) {
          const known = modelOf(model);
          const lacked = known && lackedForJob(known, body);
          return lacked === undefined ? undefined : ({ code: 'MODEL_CANNOT', facts: { model, lacked } } as const);
        },
        isHad: () => false,
        async order(tx, { serial }, leg, reference) {
          const order = leg === 'forward' ? body : back;
          if (!order) return undefined;
          const subject = `campaign/${order.type}`;
          return await rooms.jobs.queueIn(tx, serialSchema.parse(serial), order, subject, reference);
        },
      }),
    );
  },
};

/** Makes an action ready. A fault names the part of the specification that cannot be carried out. */
export const readyAction = (rooms: CampaignRooms, spec: CampaignSpec, id: string): Promise<Result<Action>> => {
  const { action } = spec;
  switch (action.kind) {
    case 'software':
      return kinds.software(rooms, action, spec, id);
    case 'configuration':
      return kinds.configuration(rooms, action, spec, id);
    case 'keys':
      return kinds.keys(rooms, action, spec, id);
    case 'job':
      return kinds.job(rooms, action, spec, id);
  }
};

const objectOf = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
const settingIn = (values: unknown, setting: string): unknown => atPath(values, [setting]);
/** Whether terminals of a model have a setting. */
function isAble(setting: string, model: string): boolean {
  const known = modelOf(model);
  return known !== undefined && isSettingName(setting) && lackedFor(setting, known) === undefined;
}

/** What the signed target of an image asks of a terminal, and it has not. What a terminal does not tell is its own to refuse. */
function missingFor(
  { versionMin, batteryPercentMin, hardwareRevisions }: ImageOrder,
  { version, battery, hardware }: TerminalFacts,
) {
  if (hardwareRevisions !== undefined && hardware !== undefined && !hardwareRevisions.includes(hardware))
    return { code: 'HARDWARE_UNFIT', facts: { revision: hardware, wanted: hardwareRevisions.join(', ') } } as const;
  if (versionMin !== undefined && version !== undefined && isNewer(versionMin, version))
    return { code: 'PREREQUISITE', facts: { test: `version >= ${versionMin}` } } as const;
  if (batteryPercentMin !== undefined && battery !== undefined && battery < batteryPercentMin)
    return { code: 'BATTERY_LOW', facts: { test: `battery >= ${batteryPercentMin}` } } as const;
  return undefined;
}

/** Images by the model that they are for. */
async function ordersOf(
  { software }: CampaignRooms,
  digests: readonly string[],
  allowDowngrade: boolean,
): Promise<Result<ReadonlyMap<string, ImageOrder>>> {
  const orders = new Map<string, ImageOrder>();
  for (const digest of digests) {
    const order = await software.order({ digest, proofTimeoutMs, allowDowngrade });
    if (!order.ok) return order;
    orders.set(order.value.model, order.value);
  }
  return ok(orders);
}

const hasKey = (hello: unknown, slot: string): boolean =>
  typeof hello === 'object' &&
  hello !== null &&
  'keys' in hello &&
  Array.isArray(hello.keys) &&
  hello.keys.some((key: unknown) => typeof key === 'object' && key !== null && 'slot' in key && key.slot === slot);
