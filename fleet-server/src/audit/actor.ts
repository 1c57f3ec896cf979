import type { AuditActor } from '@tsunagu/protocols/audit';
import { type Permission, permissionsOf, type Role } from '@tsunagu/protocols/fleet';

/**
 * Who does something. `subject` is what acted; `person` who is behind it, so that two tokens of one person stay one person.
 * What carries no roles may order and approve nothing.
 */
export interface Actor {
  readonly subject: string;
  readonly person?: string;
  readonly roles?: readonly Role[];
  /** What it may do, when that is narrower than its roles. */
  readonly permissions?: ReadonlySet<Permission>;
  readonly via?: AuditActor['via'];
}

/** The house itself. */
export const house: Actor = { subject: 'house', via: 'house' };

/** Whether somebody may do something. */
export const may = (actor: Actor, wanted: Permission): boolean =>
  (actor.permissions ?? permissionsOf(actor.roles ?? [])).has(wanted);

/** One and the same human being, whatever they came with. */
export const personOf = (actor: Actor): string => actor.person ?? actor.subject;

/** How the log writes it. */
export const auditActorOf = (actor: Actor): AuditActor => ({
  subject: actor.subject,
  person: actor.person ?? null,
  roles: [...(actor.roles ?? [])],
  via: actor.via ?? 'house',
});
