import { backOffMs, functions, issuerLink } from '@tsunagu/protocols/acquiring';

/** How the line to a card company is doing. */
export type LinkState =
  | { readonly phase: 'down'; readonly failures: number }
  | { readonly phase: 'dialling'; readonly failures: number }
  | { readonly phase: 'signing-on'; readonly failures: number }
  | { readonly phase: 'exchanging-key'; readonly failures: number }
  | { readonly phase: 'ready'; readonly echoesMissed: number }
  | { readonly phase: 'stopped' };

/** A function of network management that the switch asks for. */
export type Management = 'signOn' | 'keyExchange' | 'echo' | 'signOff';

/** What happens to the line. */
export type LinkEvent =
  | { readonly type: 'started' }
  | { readonly type: 'pauseEnded' }
  | { readonly type: 'connected' }
  | { readonly type: 'closed' }
  | { readonly type: 'managementAnswered'; readonly management: Management; readonly actionCode: string }
  | { readonly type: 'managementTimedOut'; readonly management: Management }
  | { readonly type: 'fellSilent' }
  | { readonly type: 'heard' }
  | { readonly type: 'stopped' };

/** What the shell does about it. */
export type LinkAction =
  | { readonly type: 'dial' }
  | { readonly type: 'pause'; readonly ms: number }
  | { readonly type: 'manage'; readonly management: Management }
  | { readonly type: 'adoptKey' }
  | { readonly type: 'close' }
  /** The line can take requests: queued reversals go first. */
  | { readonly type: 'announceReady' }
  | { readonly type: 'report'; readonly code: 'ISSUER_SIGN_ON_REFUSED' | 'ISSUER_TIMEOUT' };

/** A state and what to do. */
export interface LinkStep {
  readonly state: LinkState;
  readonly actions: readonly LinkAction[];
}

const accepted = '800';
const { reconnect, echoesMissedMax } = issuerLink.timers;

/** One step of the line: dial, sign on (801), exchange the key (811), be ready, try it when it is silent (831), dial again. */
export function onLink(state: LinkState, event: LinkEvent): LinkStep {
  if (state.phase === 'stopped') return { state, actions: [] };
  switch (event.type) {
    case 'started':
    case 'pauseEnded':
      return state.phase === 'down'
        ? { state: { phase: 'dialling', failures: state.failures }, actions: [{ type: 'dial' }] }
        : { state, actions: [] };
    case 'connected':
      return state.phase === 'dialling'
        ? {
            state: { phase: 'signing-on', failures: state.failures },
            actions: [{ type: 'manage', management: 'signOn' }],
          }
        : { state, actions: [] };
    case 'managementAnswered':
      return onAnswer(state, event.management, event.actionCode);
    case 'managementTimedOut':
      return onSilence(state, event.management);
    case 'fellSilent':
      return state.phase === 'ready'
        ? { state, actions: [{ type: 'manage', management: 'echo' }] }
        : { state, actions: [] };
    case 'heard':
      return state.phase === 'ready' && state.echoesMissed > 0
        ? { state: { phase: 'ready', echoesMissed: 0 }, actions: [] }
        : { state, actions: [] };
    case 'closed':
      return onClosed(state);
    case 'stopped':
      return { state: { phase: 'stopped' }, actions: [{ type: 'close' }] };
  }
}

function onAnswer(state: LinkState, management: Management, actionCode: string): LinkStep {
  const isExpected =
    (state.phase === 'signing-on' && management === 'signOn') ||
    (state.phase === 'exchanging-key' && management === 'keyExchange');
  if (!isExpected) return onLink(state, { type: 'heard' });
  if (actionCode !== accepted)
    return { state, actions: [{ type: 'report', code: 'ISSUER_SIGN_ON_REFUSED' }, { type: 'close' }] };
  return state.phase === 'signing-on'
    ? {
        state: { phase: 'exchanging-key', failures: state.failures },
        actions: [{ type: 'manage', management: 'keyExchange' }],
      }
    : { state: { phase: 'ready', echoesMissed: 0 }, actions: [{ type: 'adoptKey' }, { type: 'announceReady' }] };
}

function onSilence(state: LinkState, management: Management): LinkStep {
  const report = { type: 'report', code: 'ISSUER_TIMEOUT' } as const;
  if (state.phase === 'ready' && management === 'echo') {
    const echoesMissed = state.echoesMissed + 1;
    return echoesMissed < echoesMissedMax
      ? { state: { phase: 'ready', echoesMissed }, actions: [report, { type: 'manage', management: 'echo' }] }
      : { state: { phase: 'ready', echoesMissed }, actions: [report, { type: 'close' }] };
  }
  return state.phase === 'signing-on' || state.phase === 'exchanging-key'
    ? { state, actions: [report, { type: 'close' }] }
    : { state, actions: [] };
}

function onClosed(state: LinkState): LinkStep {
  if (state.phase === 'stopped' || state.phase === 'down') return { state, actions: [] };
  const failures = state.phase === 'ready' ? 0 : state.failures + 1;
  const pause = { type: 'pause', ms: backOffMs(reconnect, failures) } as const;
  return {
    state: { phase: 'down', failures },
    actions: [pause],
  };
}

/** The function code (DE24) of each kind of network management. */
export const managementFunction: Readonly<Record<Management, string>> = {
  signOn: functions.signOn,
  keyExchange: functions.keyExchange,
  echo: functions.echo,
  signOff: functions.signOff,
};
