import { v7 as uuid } from 'uuid';
import type { Attack } from './attack';
import { groupBody, patchBody, userBody } from './requests';

const list = <T>(length: number, of: (n: number) => T): T[] => Array.from({ length }, (_, n) => of(n));
const member = (value: string) => ({ value });

/** Selects by value and matches no member, so it changes nothing and can be sent again. */
const removeByDisplay = (n: number) => ({ op: 'remove', path: `members[display co "zz${n}"]` });

/** `{"…":…,"x":[{},{},…]}` with this many bytes. */
export const smallObjects = (bytes: number, start: string, end: string) =>
  `${start}${'{},'.repeat(Math.floor((bytes - start.length - end.length) / 3))}{}${end}`;

const GROUP_START =
  '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Objects","members":[';

/** Writes, and attempts to write, at the SCIM API. */
export const WRITE_ATTACKS: readonly Attack[] = [
  ...[20, 500].map<Attack>((count) => ({
    name: `a group of 20,000 is patched with ${count} × "remove members[display co …]"`,
    everyTime: true,
    requests: ({ scim, world }) => [
      scim.patch(`/Groups/${world.big.groupIds[2]}`, list(count, removeByDisplay)),
    ],
  })),
  {
    name: 'a group of another tenant is patched by value',
    requests: ({ scim, world }) => [
      scim.patch(`/Groups/${world.quiet.groupIds[2]}`, list(500, removeByDisplay)),
    ],
  },
  {
    name: 'a group is patched with 1,000 operations that each add and remove members',
    everyTime: true,
    requests: ({ scim, world: { big } }) => [
      scim.patch(
        `/Groups/${big.groupIds[90]}`,
        list(1_000, (n) => ({
          op: n % 2 ? 'remove' : 'add',
          path: 'members',
          value: list(10, (m) => member(big.userIds[5_000 + m]!)),
        })),
      ),
    ],
  },
  {
    name: 'a user is patched with 1,000 operations over 500 addresses',
    everyTime: true,
    requests: ({ scim, world }) => {
      const path = `/Users/${world.big.userIds[10]}`;
      const addresses = list(500, (n) => ({ type: `type ${n}`, locality: `Locality ${n}`, country: 'DE' }));
      return [
        scim.patch(path, [{ op: 'replace', path: 'addresses', value: addresses }]),
        scim.patch(
          path,
          list(1_000, (n) => ({
            op: 'replace',
            path: `addresses[locality eq "Locality ${n % 500}" or streetAddress co "zz"].region`,
            value: `Region ${n}`,
          })),
        ),
      ];
    },
  },
  {
    name: 'a user grows by patches of 250 KiB',
    requests: ({ scim, world }) =>
      list(10, (n) =>
        scim.patch(`/Users/${world.big.userIds[11]}`, [
          {
            op: 'add',
            path: 'entitlements',
            value: list(500, (m) => ({ value: `${n} ${m} ${'x'.repeat(450)}` })),
          },
        ]),
      ),
  },
  {
    name: 'a group comes with 32 MiB of small objects as members',
    everyTime: true,
    requests: ({ scim }) => [scim.post('/Groups', smallObjects(32 * 1024 * 1024 - 100, GROUP_START, ']}'))],
  },
  {
    name: 'a group comes with 400,000 unknown members',
    everyTime: true,
    requests: ({ scim }) => [
      scim.post(
        '/Groups',
        groupBody(
          'Unknown',
          list(400_000, (n) => member(`unknown-${n}`)),
        ),
      ),
    ],
  },
  {
    name: 'a group comes with 400,000 ids of users that do not exist',
    requests: ({ scim }) => {
      const id = uuid().slice(0, -7);
      const members = list(400_000, (n) => member(id + String(n).padStart(7, '0')));
      return [scim.post('/Groups', groupBody('Unknown ids', members))];
    },
  },
  {
    name: 'a group of 20,000 is replaced by itself, emptied and filled again',
    everyTime: true,
    requests: ({ scim, world: { big } }) => {
      const path = `/Groups/${big.groupIds[3]}`;
      const all = groupBody('Group 000003', big.userIds.map(member));
      return [scim.put(path, all), scim.put(path, groupBody('Group 000003', [])), scim.put(path, all)];
    },
  },
  {
    name: 'a new group comes with 20,000 members and goes again',
    requests: ({ scim, world: { big } }) => [
      scim.post('/Groups', groupBody(`New ${uuid()}`, big.userIds.map(member))),
    ],
  },
  {
    name: 'a Bulk of 1,000 patches users',
    everyTime: true,
    requests: ({ scim, world: { big } }) => [
      scim.bulk(
        list(1_000, (n) => ({
          method: 'PATCH',
          path: `/Users/${big.userIds[n]}`,
          data: patchBody([{ op: 'replace', path: 'title', value: `Title ${uuid()}` }]),
        })),
      ),
    ],
  },
  {
    name: 'a Bulk of 1,000 patches groups of 20,000 by value',
    everyTime: true,
    requests: ({ scim, world: { big } }) => [
      scim.bulk(
        list(1_000, (n) => ({
          method: 'PATCH',
          path: `/Groups/${big.groupIds[n % 20]}`,
          data: patchBody([removeByDisplay(n)]),
        })),
      ),
    ],
  },
  {
    name: 'a Bulk of 1,000 creates groups that each name the one before',
    everyTime: true,
    requests: ({ scim }) => {
      const mark = uuid();
      return [
        scim.bulk(
          list(1_000, (n) => ({
            method: 'POST',
            path: '/Groups',
            bulkId: `${n}`,
            data: groupBody(`Chain ${mark} ${n}`, n === 0 ? [] : [member(`bulkId:${n - 1}`)]),
          })),
        ),
      ];
    },
  },
  {
    name: 'a Bulk of 1,000 creates users, and one of 1,000 replaces and deletes',
    requests: ({ scim, world: { big } }) => {
      const mark = uuid();
      return [
        scim.bulk(
          list(1_000, (n) => ({
            method: 'POST',
            path: '/Users',
            bulkId: `${n}`,
            data: userBody(`${mark}.${n}@example.com`),
          })),
        ),
        scim.bulk(
          list(1_000, (n) => ({
            method: n % 2 ? 'PUT' : 'DELETE',
            path: `/Users/${n % 2 ? big.userIds[15_000 + n] : uuid()}`,
            ...(n % 2 ? { data: userBody(`User.0${15_000 + n}@example.com`) } : {}),
          })),
        ),
      ];
    },
  },
];
