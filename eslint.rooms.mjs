/**
 * The rooms of the house (docs/architecture.md) and who may use whom, as rules for eslint-plugin-boundaries.
 *
 * Dependencies point one way, so the table has no cycle: a row may name only rooms that stand above it.
 */

/** What every room may use but those that say so; it knows nothing of the product. */
const FOUNDATION = ['config', 'event-loop', 'observability', 'security'];

/** @type {readonly { room: string, folder: string, uses: readonly string[], why: string }[]} */
const TABLE = [
  {
    room: 'config',
    folder: 'src/config',
    uses: [],
    why: 'settings are read before anything else exists, so they depend on nothing',
  },
  {
    room: 'event-loop',
    folder: 'src/event-loop',
    uses: ['config'],
    why: 'it shares the one thread among everybody, whoever they are',
  },
  {
    room: 'observability',
    folder: 'src/observability',
    uses: ['config', 'event-loop'],
    why: 'it takes what every room logs, and knows none of them',
  },
  {
    room: 'security',
    folder: 'src/security',
    uses: ['config', 'event-loop', 'observability'],
    why: 'encryption and tokens work on bytes; what they protect is not their business',
  },
  {
    room: 'http',
    folder: 'src/http',
    uses: FOUNDATION,
    why: 'it is the business of the server, with connections and bodies, whatever is asked for',
  },
  {
    room: 'provider',
    folder: 'src/integrations/provider',
    uses: [],
    why: 'it is the contract that every target implements: what it used, every target would have to use',
  },
  {
    room: 'database',
    folder: 'src/database',
    uses: FOUNDATION,
    why: 'it runs transactions and knows no table; rooms hand their entities in',
  },
  {
    room: 'admin-api',
    folder: 'src/admin-api',
    uses: [...FOUNDATION, 'database'],
    why: 'it holds the manners of the admin API (problem details, validation, paging) and none of its routes',
  },
  {
    room: 'audit',
    folder: 'src/audit',
    uses: [...FOUNDATION, 'database'],
    why: 'it records what others did and must not need them to do so',
  },
  {
    room: 'tenants',
    folder: 'src/tenants',
    uses: [...FOUNDATION, 'database', 'audit', 'admin-api'],
    why: 'it says who is asking; it must not know what they own',
  },
  {
    room: 'open-api',
    folder: 'src/open-api',
    uses: [...FOUNDATION, 'admin-api', 'tenants'],
    why: 'it puts the document together by rules; what a door says of itself is handed in',
  },
  {
    room: 'pagerduty',
    folder: 'src/pagerduty',
    uses: [...FOUNDATION, 'provider'],
    why: 'a target knows only the provider contract: no SCIM, no tenants, no database',
  },
  {
    room: 'integrations',
    folder: 'src/integrations',
    uses: [...FOUNDATION, 'database', 'tenants', 'audit', 'admin-api', 'provider'],
    why: 'it knows providers by their contract only, and tells upper rooms of changes instead of calling them',
  },
  {
    room: 'directory',
    folder: 'src/directory',
    uses: [...FOUNDATION, 'database', 'audit'],
    why: 'it holds what the identity provider wants, whoever asked and wherever it ends up',
  },
  {
    room: 'scim',
    folder: 'src/scim',
    uses: [...FOUNDATION, 'database', 'directory', 'integrations', 'audit', 'open-api'],
    why: 'the protocol writes the desired state and never calls a target, so no push waits for one',
  },
  {
    room: 'provisioning',
    folder: 'src/provisioning',
    uses: [
      ...FOUNDATION,
      'database',
      'directory',
      'integrations',
      'provider',
      'tenants',
      'audit',
      'admin-api',
    ],
    why: 'it reaches targets through the provider contract, so that it works for the next target unchanged',
  },
  {
    room: 'simulator',
    folder: 'simulator',
    uses: [],
    why: 'a simulator that shared code with the product would share its mistakes',
  },
  {
    room: 'demo',
    folder: 'demo',
    uses: ['simulator'],
    why: 'it is a customer of Scimify and speaks HTTP with it, as customers do',
  },
  {
    room: 'test',
    folder: 'test',
    uses: [
      ...FOUNDATION,
      'http',
      'database',
      'admin-api',
      'audit',
      'tenants',
      'integrations',
      'provider',
      'pagerduty',
      'directory',
      'scim',
      'provisioning',
      'simulator',
      'demo',
    ],
    why: 'tests may use everything',
  },
];

const ALL = TABLE.map(({ room }) => room);
TABLE.forEach(({ room, uses }, row) => {
  const below = uses.filter((used) => !ALL.slice(0, row).includes(used));
  if (below.length > 0) throw new Error(`${room} names ${below.join(', ')}, which does not stand above it`);
});
const PRODUCT = TABLE.filter(({ folder }) => folder.startsWith('src/')).map(({ room }) => room);

const anyOf = (types) => ({ element: { types: { anyOf: types } } });

/** One rule a room: everything that its row does not name is refused, with the reason. */
const policyOf = ({ room, folder, uses, why }) => ({
  from: { element: { type: room } },
  disallow: { to: anyOf(ALL.filter((other) => other !== room && !uses.includes(other))) },
  message: `${folder} must not use {{ to.file.path }}: ${why}. It may use ${uses.join(', ') || 'no other room'}.`,
});

export const rooms = {
  settings: {
    'boundaries/include': ['src/**/*.ts', 'simulator/**/*.ts', 'demo/**/*.ts', 'test/**/*.ts'],
    'boundaries/elements': TABLE.map(({ room, folder }) => ({
      type: room,
      pattern: folder,
      partialMatch: false,
    })),
    'boundaries/files': [
      { category: 'application', pattern: 'src/{*,http/*}.ts' },
      { category: 'planner', pattern: 'src/provisioning/plan/**/*.ts' },
      { category: 'spec', pattern: '**/*.spec.ts' },
    ],
  },
  rules: {
    // A new folder of src needs a row above, here and in docs/architecture.md.
    'boundaries/no-unknown-files': 'error',
    'boundaries/dependencies': [
      'error',
      {
        default: 'allow',
        checkAllOrigins: true,
        policies: [
          ...TABLE.map(policyOf),
          {
            from: anyOf([...PRODUCT, 'simulator', 'demo']),
            disallow: { to: { file: { categories: 'application' } } },
            message: 'The top level of src puts the rooms together; a room that used it would use them all.',
          },
          {
            from: { element: { type: 'pagerduty' } },
            disallow: { to: { module: { source: ['typeorm', '@nestjs/typeorm'] } } },
            message: 'A target keeps nothing: what must outlive a call is the business of provisioning.',
          },
          {
            from: { file: { categories: 'planner' } },
            disallow: { to: { module: { source: ['typeorm', '@nestjs/*', 'node:*', 'axios'] } } },
            message:
              'Plans are made by pure functions (no I/O, no clock, no framework), so that the dry run is the plan.',
          },
          {
            from: { element: { types: { anyOf: PRODUCT } }, file: { categories: 'spec' } },
            allow: { to: anyOf(['simulator', 'test']) },
          },
        ],
      },
    ],
  },
};
