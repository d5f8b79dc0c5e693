/**
 * The rooms (top-level folders, see docs/architecture.md) and which rooms each of them may use, as rules for
 * eslint-plugin-boundaries.
 *
 * A row may name only rooms above it, so there is no cycle.
 */

/** What every room may use, unless its row says otherwise. These rooms know nothing of the product. */
const FOUNDATION = ['config', 'event-loop', 'observability', 'security'];

/** @type {readonly { room: string, folder: string, uses: readonly string[], why: string }[]} */
const TABLE = [
  {
    room: 'config',
    folder: 'src/config',
    uses: [],
    why: 'Scimify reads its settings before anything else, so they depend on nothing',
  },
  {
    room: 'event-loop',
    folder: 'src/event-loop',
    uses: ['config'],
    why: 'it shares the one thread between all kinds of work and knows none of them',
  },
  {
    room: 'observability',
    folder: 'src/observability',
    uses: ['config', 'event-loop'],
    why: 'every room logs through it, so it must not know any of them',
  },
  {
    room: 'security',
    folder: 'src/security',
    uses: ['config', 'event-loop', 'observability'],
    why: 'encryption and tokens work on bytes and do not know what they protect',
  },
  {
    room: 'http',
    folder: 'src/http',
    uses: FOUNDATION,
    why: 'it handles connections and bodies, and does not know what a request asks for',
  },
  {
    room: 'provider',
    folder: 'src/integrations/provider',
    uses: [],
    why: 'every target implements this contract, so every target would depend on what it uses',
  },
  {
    room: 'database',
    folder: 'src/database',
    uses: FOUNDATION,
    why: 'it runs transactions and knows no table; the other rooms pass in their entities',
  },
  {
    room: 'admin-api',
    folder: 'src/admin-api',
    uses: [...FOUNDATION, 'database'],
    why: 'it holds the conventions of the admin API (problem details, validation, paging) and none of its routes',
  },
  {
    room: 'audit',
    folder: 'src/audit',
    uses: [...FOUNDATION, 'database'],
    why: 'it records what other rooms do and must not depend on them',
  },
  {
    room: 'tenants',
    folder: 'src/tenants',
    uses: [...FOUNDATION, 'database', 'audit', 'admin-api'],
    why: 'it identifies the caller and must not know what the caller owns',
  },
  {
    room: 'open-api',
    folder: 'src/open-api',
    uses: [...FOUNDATION, 'admin-api', 'tenants'],
    why: 'it builds the documents by rules; each API passes in its own descriptions',
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
    why: 'it knows only the contract of providers, and announces changes instead of calling the rooms that use it',
  },
  {
    room: 'directory',
    folder: 'src/directory',
    uses: [...FOUNDATION, 'database', 'audit'],
    why: 'it holds the state that the identity provider wants, and knows neither the protocol nor the target',
  },
  {
    room: 'scim',
    folder: 'src/scim',
    uses: [...FOUNDATION, 'database', 'directory', 'integrations', 'audit', 'open-api'],
    why: 'it writes the desired state and never calls a target, so no SCIM request waits for a target',
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
    why: 'it calls targets only through the provider contract, so a new target needs no change here',
  },
  {
    room: 'commands',
    folder: 'src/commands',
    uses: [...FOUNDATION, 'database', 'integrations', 'audit'],
    why: 'it holds the programs that run beside the server, and each runs one task of a room',
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
    why: 'it is a client of Scimify and uses HTTP, as customers do',
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
  if (below.length > 0) throw new Error(`${room} names ${below.join(', ')}, which is not above it`);
});
const PRODUCT = TABLE.filter(({ folder }) => folder.startsWith('src/')).map(({ room }) => room);

const anyOf = (types) => ({ element: { types: { anyOf: types } } });

/** One rule per room: it refuses every room that the row does not name, and gives the reason. */
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
      { category: 'application', pattern: 'src/*.ts' },
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
            from: anyOf([...PRODUCT.filter((room) => room !== 'commands'), 'simulator', 'demo']),
            disallow: { to: { file: { categories: 'application' } } },
            message: 'The top level of src connects all rooms; a room that used it would use all of them.',
          },
          {
            from: { file: { categories: 'application' } },
            disallow: { to: anyOf(['commands']) },
            message: 'The server does not use the commands: each of them is a program of its own.',
          },
          {
            from: { element: { type: 'pagerduty' } },
            disallow: { to: { module: { source: ['typeorm', '@nestjs/typeorm'] } } },
            message: 'A target stores nothing: provisioning stores what must outlive a call.',
          },
          {
            from: { file: { categories: 'planner' } },
            disallow: { to: { module: { source: ['typeorm', '@nestjs/*', 'node:*', 'axios'] } } },
            message:
              'Pure functions make plans (no I/O, no clock, no framework), so a dry run shows the real plan.',
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
