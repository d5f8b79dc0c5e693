import { MESSAGE_URNS } from '../messages/urns';
import { GROUP, USER } from '../schema/registry';

export const EXAMPLE_BASE = 'https://scim.example.com/scim/v2/0198c2f4-0000-7000-8000-000000000001';
export const USER_ID = '0198c2f4-0000-7000-8000-0000000000a1';
export const GROUP_ID = '0198c2f4-0000-7000-8000-0000000000b1';

const NAMED = {
  schemas: [USER.schema.id],
  userName: 'ada@example.com',
  name: { familyName: 'Byron', givenName: 'Ada' },
  displayName: 'Ada Byron',
};
const ADA = {
  ...NAMED,
  externalId: '00u1ab2cd3',
  active: true,
  emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
};
const PLATFORM = { schemas: [GROUP.schema.id], displayName: 'Platform' };
/** Hardly any real team has this name. A group takes over the team with its name. */
const TRIAL = { schemas: [GROUP.schema.id], displayName: 'Scimify trial' };

const meta = (resourceType: string, path: string) => ({
  resourceType,
  created: '2026-03-01T08:00:00.000Z',
  lastModified: '2026-03-02T09:30:00.000Z',
  location: `${EXAMPLE_BASE}${path}`,
  version: 'W/"2"',
});

/** Resources in responses. */
export const RETURNED = {
  User: {
    ...ADA,
    id: USER_ID,
    groups: [
      { value: GROUP_ID, $ref: `${EXAMPLE_BASE}/Groups/${GROUP_ID}`, display: 'Platform', type: 'direct' },
    ],
    meta: meta('User', `/Users/${USER_ID}`),
  },
  Group: {
    ...PLATFORM,
    id: GROUP_ID,
    members: [
      { value: USER_ID, $ref: `${EXAMPLE_BASE}/Users/${USER_ID}`, type: 'User', display: 'Ada Byron' },
    ],
    meta: meta('Group', `/Groups/${GROUP_ID}`),
  },
} as const;

const patchOf = (operation: object) => ({ schemas: [MESSAGE_URNS.patchOp], Operations: [operation] });

/**
 * Bodies that Swagger UI shows first. Sent unchanged, they change no real team. A replacement leaves out `active`,
 * `emails` and `members`, so they keep their values. A created user or group matches no real user or team.
 */
export const SAMPLES = {
  User: {
    created: ADA,
    replaced: NAMED,
    modified: patchOf({ op: 'replace', path: 'displayName', value: 'Ada Byron' }),
  },
  Group: {
    created: TRIAL,
    replaced: TRIAL,
    modified: patchOf({ op: 'add', path: 'members', value: [{ value: USER_ID }] }),
  },
  search: { schemas: [MESSAGE_URNS.searchRequest], count: 10 },
  bulk: {
    schemas: [MESSAGE_URNS.bulkRequest],
    Operations: [
      { method: 'POST', path: '/Users', bulkId: 'ada', data: ADA },
      {
        method: 'POST',
        path: '/Groups',
        bulkId: 'trial',
        data: { ...TRIAL, members: [{ value: 'bulkId:ada' }] },
      },
    ],
  },
};
