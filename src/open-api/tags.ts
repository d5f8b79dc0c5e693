import type { Tag } from './types';

export const TAGS: readonly Tag[] = [
  { name: 'Tenants', description: 'Customer organisations. A tenant cannot see the data of another tenant.' },
  {
    name: 'Admin keys',
    description:
      'Keys of this API. Each key has a role. `viewer` reads. `admin` also manages integrations. `owner` also changes the ' +
      'account of an integration and the admin keys. `platform` is not bound to a tenant.',
  },
  {
    name: 'Providers',
    description: 'The types of targets and the settings that each one needs.',
  },
  {
    name: 'Integrations',
    description:
      'A connection of a tenant to one account of a target: settings, mode, connection test, statistics.',
  },
  { name: 'SCIM keys', description: 'The keys that the identity provider (IdP) of an integration sends.' },
  {
    name: 'Groups',
    description: 'Groups that the IdP pushed, and the state of their teams.',
  },
  {
    name: 'Users',
    description: 'Users that the IdP pushed, and the remote user that each one is linked to.',
  },
  { name: 'Plan', description: 'The changes that Scimify would make, without making them.' },
  {
    name: 'Held changes',
    description: 'Removals and deletions that exceed a threshold of the guard and wait for an admin.',
  },
  { name: 'Drift', description: 'Changes that were made by hand in the target.' },
  {
    name: 'Refused writes',
    description:
      'Writes of the IdP that Scimify refused permanently. The data of the IdP and of Scimify differ there.',
  },
  { name: 'Audit', description: 'Who did what and when.' },
  { name: 'Health', description: 'For load balancers and orchestrators. They need no key.' },
];
