import {
  type PaymentMethodOffers,
  paymentMethodOffers,
  type RouteExplanation,
  routeExplanation,
  type routeQuestion,
  type StandInUse,
  standInUse,
  type SwitchRuleKind,
  switchRulePaths,
  switchRulesView,
  type SwitchRulesView,
  type SwitchRuleVersion,
  switchRuleVersion,
} from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import type { z } from 'zod';
import type { Calls } from './access-calls.ts';

/** The rules of the switch, as the CLI uses them. */
export interface SwitchRuleClient {
  /** Those in force, or those of a version. */
  switchRules(kind: SwitchRuleKind, version?: number): Promise<Result<SwitchRulesView>>;
  switchRuleVersions(kind: SwitchRuleKind): Promise<Result<readonly SwitchRuleVersion[]>>;
  /** Puts rules in force over the version `base`. */
  changeSwitchRules(
    kind: SwitchRuleKind,
    base: number,
    rules: unknown,
    reason: string,
  ): Promise<Result<SwitchRulesView>>;
  explainRoute(question: z.input<typeof routeQuestion>): Promise<Result<RouteExplanation>>;
  /** How may be paid at the terminals of the house, by card scheme. */
  paymentMethods(): Promise<Result<PaymentMethodOffers>>;
  standIn(state: StandInUse['state'] | undefined): Promise<Result<readonly StandInUse[]>>;
}

export function switchRuleCalls({ call, all }: Calls): SwitchRuleClient {
  return {
    switchRules: (kind, version) =>
      call(
        switchRulesView,
        version === undefined ? switchRulePaths.rules(kind) : switchRulePaths.version(kind, version),
      ),
    switchRuleVersions: (kind) => all(switchRuleVersion, switchRulePaths.versions(kind)),
    changeSwitchRules: (kind, base, rules, reason) =>
      call(switchRulesView, switchRulePaths.rules(kind), { rules, reason }, 'PUT', undefined, {
        'if-match': `"${base}"`,
      }),
    explainRoute: (question) => call(routeExplanation, switchRulePaths.explanations, question),
    paymentMethods: () => call(paymentMethodOffers, switchRulePaths.paymentMethods),
    standIn: (state) => all(standInUse, `${switchRulePaths.standIn}${state === undefined ? '' : `?state=${state}`}`),
  };
}
