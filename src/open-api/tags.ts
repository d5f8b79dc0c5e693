import type { Tag } from './types';

export const TAGS: readonly Tag[] = [
  { name: 'Tenants', description: 'Customer organisations. Nothing of one can be seen from another.' },
  {
    name: 'Admin keys',
    description:
      'Keys of this API. A key has a role: `viewer` reads, `admin` also runs integrations, `owner` also changes what ' +
      'names an account and who has keys, `platform` is bound to no tenant.',
  },
  {
    name: 'Providers',
    description: 'The kinds of targets, and what an integration with each has to be given.',
  },
  {
    name: 'Integrations',
    description:
      'A connection of a tenant to one account of a target: settings, mode, connection test, figures.',
  },
  { name: 'SCIM keys', description: 'What the identity provider (IdP) of one integration sends.' },
  {
    name: 'Groups',
    description: 'Groups that the IdP pushed, and how far their teams are in step with them.',
  },
  { name: 'Users', description: 'Users that the IdP pushed, and whom of the target each of them is.' },
  { name: 'Plan', description: 'What Scimify would do, without doing it.' },
  {
    name: 'Held changes',
    description: 'Removals and deletions that were too many at once and wait for an admin.',
  },
  { name: 'Drift', description: 'What somebody changed by hand in the target.' },
  {
    name: 'Refused writes',
    description: 'Writes of the IdP that were refused for good, so its list and ours differ.',
  },
  { name: 'Audit', description: 'Who did what, and when.' },
  { name: 'Health', description: 'For load balancers and orchestrators; no key is needed.' },
];
