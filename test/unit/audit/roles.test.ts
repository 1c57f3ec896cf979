import {
  approvalKinds,
  dutiesApart,
  permissionOfRole,
  permissions,
  roleConflict,
  rolePermissions,
  roles,
} from '@tsunagu/protocols/fleet';
import { describe, expect, it } from 'vitest';

describe('the table of roles', () => {
  it.each(roles)('gives %s no two duties that are to be apart', (role) => {
    const held = new Set(rolePermissions[role]);
    expect(dutiesApart.filter(([one, other]) => held.has(one) && held.has(other))).toEqual([]);
  });

  it('has somebody to order and somebody else to approve each kind', () => {
    for (const { order, approve } of Object.values(approvalKinds)) {
      const who = (wanted: string) => roles.filter((role) => rolePermissions[role].some((each) => each === wanted));
      expect(who(order).length).toBeGreaterThan(0);
      expect(who(approve).length).toBeGreaterThan(0);
      expect(who(order).filter((role) => who(approve).includes(role))).toEqual([]);
    }
  });

  it('gives each permission to somebody, and each old declaration a permission that its role has', () => {
    for (const permission of permissions)
      expect(
        roles.some((role) => rolePermissions[role].includes(permission)),
        permission,
      ).toBe(true);
    for (const role of roles) expect(rolePermissions[role]).toContain(permissionOfRole[role]);
  });

  it('keeps apart who may not be one person, and says why', () => {
    const conflicts = roles.flatMap((one, index) =>
      roles.slice(index + 1).flatMap((other) => (roleConflict([one, other]) ? [`${one} ${other}`] : [])),
    );
    expect(conflicts).toEqual([
      'admin operator',
      'admin custodian',
      'admin auditor',
      'operator custodian',
      'operator auditor',
      'technician auditor',
      'custodian auditor',
    ]);
    expect(roleConflict(['operator', 'admin'])).toEqual({
      roles: ['operator', 'admin'],
      duties: ['campaigns.order', 'campaigns.approve'],
    });
  });
});
