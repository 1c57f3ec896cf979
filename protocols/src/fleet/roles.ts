import { z } from 'zod';

/** Who somebody is to the house. A person may hold several, as long as no two of them conflict. */
export const roles = ['admin', 'operator', 'technician', 'custodian', 'auditor', 'viewer'] as const;
export const role = z
  .enum(roles)
  .describe(
    'Who somebody is: runs the server and its people; runs the fleet; works in the field; keeps keys; audits; only looks.',
  );
export type Role = z.infer<typeof role>;

/** What can be allowed. Orders and their approvals are permissions apart, so that no role has both. */
export const permissions = [
  'fleet.read',
  'fleet.field',
  'fleet.operate',
  'campaigns.order',
  'campaigns.approve',
  'wipes.order',
  'wipes.approve',
  'lives.order',
  'lives.approve',
  'revocations.order',
  'revocations.approve',
  'keys.order',
  'keys.approve',
  'keys.custody',
  'people.manage',
  'tokens.manage',
  'webhooks.manage',
  'audit.read',
  'server.administer',
] as const;
export const permission = z.enum(permissions).describe('Something that can be allowed.');
export type Permission = z.infer<typeof permission>;

/** The one table of who may do what. */
export const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  admin: [
    'fleet.read',
    'fleet.field',
    'fleet.operate',
    'campaigns.approve',
    'wipes.approve',
    'lives.approve',
    'revocations.approve',
    'people.manage',
    'tokens.manage',
    'webhooks.manage',
    'audit.read',
    'server.administer',
  ],
  operator: [
    'fleet.read',
    'fleet.field',
    'fleet.operate',
    'campaigns.order',
    'wipes.order',
    'lives.order',
    'revocations.order',
    'keys.order',
  ],
  technician: ['fleet.read', 'fleet.field'],
  custodian: ['fleet.read', 'lives.approve', 'keys.approve', 'keys.custody'],
  auditor: ['fleet.read', 'audit.read'],
  viewer: ['fleet.read'],
};

/** What is ordered by one and approved by another: the permission for each side. A new kind of order is a line here. */
export const approvalKinds = {
  campaign: { order: 'campaigns.order', approve: 'campaigns.approve' },
  wipe: { order: 'wipes.order', approve: 'wipes.approve' },
  lifecycle: { order: 'lives.order', approve: 'lives.approve' },
  revocation: { order: 'revocations.order', approve: 'revocations.approve' },
  key: { order: 'keys.order', approve: 'keys.approve' },
  rotation: { order: 'keys.order', approve: 'keys.approve' },
} as const satisfies Record<string, { order: Permission; approve: Permission }>;
export type ApprovalKind = keyof typeof approvalKinds;

/** Permissions that nobody holds together. PCI PIN 3.1, 21 to 23 (dual control, split knowledge), PCI DSS 4.0.1, 7.2. */
export const dutiesApart: readonly (readonly [Permission, Permission])[] = [
  ...Object.values(approvalKinds).map(({ order, approve }) => [order, approve] as const),
  ['keys.order', 'keys.custody'],
  ['people.manage', 'keys.custody'],
  ['people.manage', 'keys.approve'],
];

/** What changes nothing. Whoever audits may do nothing else: nobody audits their own work. */
const looking: readonly Permission[] = ['fleet.read', 'audit.read'];

/** The permissions of several roles together. */
export const permissionsOf = (held: readonly Role[]): ReadonlySet<Permission> =>
  new Set(held.flatMap((each) => rolePermissions[each]));

/** Why two of these roles may not be held together; undefined when they may. */
export function roleConflict(
  held: readonly Role[],
): { readonly roles: readonly [Role, Role]; readonly duties: readonly [Permission, Permission] } | undefined {
  for (const [index, one] of held.entries())
    for (const other of held.slice(index + 1)) {
      const together = permissionsOf([one, other]);
      const pair = dutiesApart.find(([a, b]) => together.has(a) && together.has(b));
      if (pair) return { roles: [one, other], duties: pair };
      if (one !== 'auditor' && other !== 'auditor') continue;
      const work = [...together].find((each) => !looking.includes(each));
      if (work) return { roles: [one, other], duties: ['audit.read', work] };
    }
  return undefined;
}

/** What a route asks for that names a least role only, as all did before there were permissions. */
export const permissionOfRole: Readonly<Record<Role, Permission>> = {
  admin: 'server.administer',
  operator: 'fleet.operate',
  technician: 'fleet.field',
  custodian: 'keys.custody',
  auditor: 'audit.read',
  viewer: 'fleet.read',
};
