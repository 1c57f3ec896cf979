import { backOffMs } from './link-profiles.ts';
import { functions } from './message-elements.ts';

/** How the two ends of a link come together. */
export interface SessionPlan {
  /** Whether we dial; else the far side does, and a session ends with its connection. */
  readonly dials: boolean;
  readonly signOn: 'ours' | 'theirs' | 'none';
  readonly keys: 'ours' | 'theirs' | 'none';
  readonly echoesMissedMax: number;
  readonly reconnect: { readonly firstMs: number; readonly factor: number; readonly mostMs: number };
}

/** How far one connection is. */
export type SessionState =
  | { readonly phase: 'down'; readonly failures: number }
  | { readonly phase: 'dialling'; readonly failures: number }
  /** Connected; the far side has to sign on, or has signed off. */
  | { readonly phase: 'awaiting-sign-on'; readonly failures: number }
  | { readonly phase: 'signing-on'; readonly failures: number }
  | { readonly phase: 'exchanging-key'; readonly failures: number }
  | { readonly phase: 'ready'; readonly echoesMissed: number }
  | { readonly phase: 'stopped' };

/** A function of network management. */
export type Management = 'signOn' | 'keyExchange' | 'echo' | 'signOff';

/** What happens to a connection. */
export type SessionEvent =
  | { readonly type: 'started' }
  | { readonly type: 'pauseEnded' }
  | { readonly type: 'connected' }
  | { readonly type: 'closed' }
  | { readonly type: 'managementAnswered'; readonly management: Management; readonly actionCode: string }
  | { readonly type: 'managementTimedOut'; readonly management: Management }
  /** The far side asks; `hasKeys` where it hands over working keys that are good. */
  | { readonly type: 'asked'; readonly management: Management; readonly hasKeys?: boolean }
  /** The far side has been awaited for too long. */
  | { readonly type: 'awaitedTooLong' }
  | { readonly type: 'fellSilent' }
  | { readonly type: 'heard' }
  /** The working keys have been in force for as long as they may be, or an operator wants others. */
  | { readonly type: 'keyAged' }
  /** An operator takes the link out of service, or back into it. */
  | { readonly type: 'signOffWanted' }
  | { readonly type: 'signOnWanted' }
  | { readonly type: 'stopped' };

/** What the shell does about it. */
export type SessionAction =
  | { readonly type: 'dial' }
  | { readonly type: 'pause'; readonly ms: number }
  | { readonly type: 'manage'; readonly management: Management }
  | { readonly type: 'answer'; readonly management: Management; readonly actionCode: string }
  /** The keys that were offered, or that the far side handed over, count from now on. */
  | { readonly type: 'adoptKey' }
  | { readonly type: 'close' }
  /** The line can take requests: what waits goes first. */
  | { readonly type: 'announceReady' }
  | { readonly type: 'report'; readonly code: 'ISSUER_SIGN_ON_REFUSED' | 'ISSUER_TIMEOUT' };

/** A state and what to do. */
export interface SessionStep {
  readonly state: SessionState;
  readonly actions: readonly SessionAction[];
}

const accepted = '800';
/** DE39 of a function that this end does not offer. */
const unsupported = '115';
const stay = (state: SessionState): SessionStep => ({ state, actions: [] });

/**
 * One step of a connection, on either end of it and in either part: dial, sign on (801), exchange the keys (811), be ready, try it when it is silent
 * (831), change the keys while it runs, sign off (802), dial again.
 */
export function onSession(plan: SessionPlan, state: SessionState, event: SessionEvent): SessionStep {
  if (state.phase === 'stopped') return stay(state);
  switch (event.type) {
    case 'started':
    case 'pauseEnded':
      return plan.dials && state.phase === 'down'
        ? { state: { phase: 'dialling', failures: state.failures }, actions: [{ type: 'dial' }] }
        : stay(state);
    case 'connected':
      return state.phase === 'dialling' || (state.phase === 'down' && !plan.dials)
        ? beginning(plan, state.failures)
        : stay(state);
    case 'managementAnswered':
      return onAnswer(plan, state, event.management, event.actionCode);
    case 'managementTimedOut':
      return onSilence(plan, state, event.management);
    case 'asked':
      return onAsked(plan, state, event.management, event.hasKeys === true);
    case 'awaitedTooLong':
      return isAwaiting(plan, state)
        ? { state, actions: [{ type: 'report', code: 'ISSUER_TIMEOUT' }, { type: 'close' }] }
        : stay(state);
    case 'fellSilent':
      return state.phase === 'ready' ? { state, actions: [{ type: 'manage', management: 'echo' }] } : stay(state);
    case 'heard':
      return state.phase === 'ready' && state.echoesMissed > 0
        ? stay({ phase: 'ready', echoesMissed: 0 })
        : stay(state);
    case 'keyAged':
      return state.phase === 'ready' && plan.keys === 'ours'
        ? { state, actions: [{ type: 'manage', management: 'keyExchange' }] }
        : stay(state);
    case 'signOffWanted':
      return state.phase === 'ready'
        ? { state: { phase: 'awaiting-sign-on', failures: 0 }, actions: [{ type: 'manage', management: 'signOff' }] }
        : stay(state);
    case 'signOnWanted':
      return state.phase === 'awaiting-sign-on' && plan.signOn !== 'theirs' ? beginning(plan, 0) : stay(state);
    case 'closed':
      return onClosed(plan, state);
    case 'stopped':
      return { state: { phase: 'stopped' }, actions: [{ type: 'close' }] };
  }
}

/** Whether the next word is the far side's. */
const isAwaiting = (plan: SessionPlan, { phase }: SessionState): boolean =>
  phase === 'awaiting-sign-on' || (phase === 'exchanging-key' && plan.keys === 'theirs');

function beginning(plan: SessionPlan, failures: number): SessionStep {
  switch (plan.signOn) {
    case 'ours':
      return { state: { phase: 'signing-on', failures }, actions: [{ type: 'manage', management: 'signOn' }] };
    case 'theirs':
      return stay({ phase: 'awaiting-sign-on', failures });
    case 'none':
      return signedOn(plan, failures);
  }
}

function signedOn(plan: SessionPlan, failures: number): SessionStep {
  switch (plan.keys) {
    case 'ours':
      return { state: { phase: 'exchanging-key', failures }, actions: [{ type: 'manage', management: 'keyExchange' }] };
    case 'theirs':
      return stay({ phase: 'exchanging-key', failures });
    case 'none':
      return { state: { phase: 'ready', echoesMissed: 0 }, actions: [{ type: 'announceReady' }] };
  }
}

const keyed: SessionStep = {
  state: { phase: 'ready', echoesMissed: 0 },
  actions: [{ type: 'adoptKey' }, { type: 'announceReady' }],
};

function onAnswer(plan: SessionPlan, state: SessionState, management: Management, actionCode: string): SessionStep {
  const isGood = actionCode === accepted;
  const refused: SessionStep = {
    state,
    actions: [{ type: 'report', code: 'ISSUER_SIGN_ON_REFUSED' }, { type: 'close' }],
  };
  if (state.phase === 'signing-on' && management === 'signOn') return isGood ? signedOn(plan, state.failures) : refused;
  if (state.phase === 'exchanging-key' && management === 'keyExchange') return isGood ? keyed : refused;
  // A change of keys on a running line that is not taken leaves the old ones in force.
  if (state.phase === 'ready' && management === 'keyExchange')
    return { state, actions: isGood ? [{ type: 'adoptKey' }] : [{ type: 'report', code: 'ISSUER_SIGN_ON_REFUSED' }] };
  return onSession(plan, state, { type: 'heard' });
}

function onSilence(plan: SessionPlan, state: SessionState, management: Management): SessionStep {
  const report = { type: 'report', code: 'ISSUER_TIMEOUT' } as const;
  if (state.phase === 'ready' && management === 'echo') {
    const echoesMissed = state.echoesMissed + 1;
    return echoesMissed < plan.echoesMissedMax
      ? { state: { phase: 'ready', echoesMissed }, actions: [report, { type: 'manage', management: 'echo' }] }
      : { state: { phase: 'ready', echoesMissed }, actions: [report, { type: 'close' }] };
  }
  // Nobody knows which keys the far side has by now: the connection begins anew.
  return state.phase === 'signing-on' ||
    state.phase === 'exchanging-key' ||
    (state.phase === 'ready' && management === 'keyExchange')
    ? { state, actions: [report, { type: 'close' }] }
    : stay(state);
}

function onAsked(plan: SessionPlan, state: SessionState, management: Management, hasKeys: boolean): SessionStep {
  const answer = (actionCode: string) => ({ type: 'answer', management, actionCode }) as const;
  if (state.phase === 'down' || state.phase === 'dialling') return stay(state);
  switch (management) {
    case 'echo':
      return { state, actions: [answer(accepted)] };
    case 'signOn': {
      if (plan.signOn !== 'theirs') return { state, actions: [answer(unsupported)] };
      // Again on a running line: as on a new one, keys included.
      const next = signedOn(plan, 0);
      return { state: next.state, actions: [answer(accepted), ...next.actions] };
    }
    case 'signOff':
      return state.phase === 'ready'
        ? { state: { phase: 'awaiting-sign-on', failures: 0 }, actions: [answer(accepted)] }
        : { state, actions: [answer(accepted)] };
    case 'keyExchange': {
      const isTime = state.phase === 'exchanging-key' || state.phase === 'ready';
      if (!isTime) return { state, actions: [answer(unsupported)] };
      if (plan.keys === 'theirs')
        return hasKeys
          ? { state: keyed.state, actions: [answer(accepted), ...keyed.actions] }
          : { state, actions: [answer('917')] };
      // Without keys in it the message asks for new ones of ours.
      return plan.keys === 'ours' && !hasKeys && state.phase === 'ready'
        ? { state, actions: [answer(accepted), { type: 'manage', management: 'keyExchange' }] }
        : { state, actions: [answer(unsupported)] };
    }
  }
}

function onClosed(plan: SessionPlan, state: SessionState): SessionStep {
  if (state.phase === 'stopped' || state.phase === 'down') return stay(state);
  const failures = state.phase === 'ready' || state.phase === 'awaiting-sign-on' ? 0 : state.failures + 1;
  return {
    state: { phase: 'down', failures },
    actions: plan.dials ? [{ type: 'pause', ms: backOffMs(plan.reconnect, failures) }] : [],
  };
}

/** What people see of a connection. */
export function publicState({ phase }: SessionState): 'up' | 'signed-on' | 'down' {
  if (phase === 'ready') return 'signed-on';
  return phase === 'awaiting-sign-on' || phase === 'signing-on' || phase === 'exchanging-key' ? 'up' : 'down';
}

/** The function code (DE24) of each kind of network management, and back. */
export const managementFunction: Readonly<Record<Management, string>> = {
  signOn: functions.signOn,
  keyExchange: functions.keyExchange,
  echo: functions.echo,
  signOff: functions.signOff,
};
const managements: readonly Management[] = ['signOn', 'keyExchange', 'echo', 'signOff'];
/** What a function code asks for; undefined for what no link of ours knows. */
export const managementOf = (functionCode: string | undefined): Management | undefined =>
  managements.find((management) => managementFunction[management] === functionCode);
