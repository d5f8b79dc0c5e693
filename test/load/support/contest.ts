import { report, statusesOf } from './attack-run';
import { ATTACKS } from './attacks';
import type { MeasuredScimify } from './measured-scimify';
import { ScimRequests, type Target, targetOf } from './requests';
import { type Outcome, type SentRequest, Sender, percentile } from './sender';
import type { World } from './world';

const CONNECTIONS = 5;
const TIMEOUT_MS = 30_000;
/** A slow rate: at most about 15 requests per second. */
const NEIGHBOUR_PAUSE_MS = 60;

/** What the hostile tenant sends in a loop. */
interface ContestKind {
  name: string;
  attacks: readonly string[];
}

/** The most expensive allowed requests, found by experiment. */
export const CONTESTS: readonly ContestKind[] = [
  {
    name: 'lists of big groups and of large users',
    attacks: [
      '/Groups is listed with 200 groups on a page, all members in it',
      '/Users is listed with 200 users of 250 KiB each',
    ],
  },
  {
    name: 'filters that look at everything',
    attacks: [
      '/Users is filtered by 50 comparisons of each operator on emails.value',
      '/Groups is filtered by "members.display co"',
      '200 users of 250 KiB each are filtered by 50 comparisons on their 5,000 values',
    ],
  },
  {
    name: 'big groups that are replaced, emptied and filled again',
    attacks: [
      'a group of 20,000 is replaced by itself, emptied and filled again',
      'a group of 20,000 is patched with 20 × "remove members[display co …]"',
    ],
  },
  {
    name: 'Bulks of 1,000 and bodies of 32 MiB',
    attacks: [
      'a Bulk of 1,000 patches users',
      'a Bulk of 1,000 patches groups of 20,000 by value',
      'a group comes with 32 MiB of small objects as members',
    ],
  },
];

interface NeighbourFigures {
  count: number;
  statuses: Record<string, number>;
  p99Ms: number;
  maxMs: number;
}

/** A hostile tenant with five connections, and a quiet tenant at the same time. */
export class Contest {
  private readonly hostile = new Sender();
  private readonly reader = new Sender();
  private readonly writer = new Sender();

  constructor(
    private readonly scimify: MeasuredScimify,
    private readonly world: World,
  ) {}

  async run(
    { name, attacks }: ContestKind,
    forMs: number,
  ): Promise<{ reads: NeighbourFigures; writes: NeighbourFigures }> {
    const target = targetOf(this.scimify, this.world);
    const neighbour = { connections: 1, times: Infinity, forMs: 600_000, timeoutMs: TIMEOUT_MS, nice: 0 };
    await this.scimify.begin();
    const endReads = this.reader.begin({
      ...neighbour,
      requests: readsOf(target),
      pauseMs: NEIGHBOUR_PAUSE_MS,
    });
    const endWrites = this.writer.begin({
      ...neighbour,
      requests: writesOf(target),
      pauseMs: 4 * NEIGHBOUR_PAUSE_MS,
    });
    const hostile = await this.hostile.send({
      requests: attacks.flatMap((attack) => attackOf(attack).requests(target)),
      connections: CONNECTIONS,
      times: Infinity,
      forMs,
      pauseMs: 0,
      timeoutMs: forMs,
      nice: 10,
    });
    const reads = figuresOf(await endReads());
    const writes = figuresOf(await endWrites());
    const figures = await this.scimify.end();
    report({ contest: name, hostile: statusesOf(hostile), reads, writes, ...figures });
    return { reads, writes };
  }

  async end(): Promise<void> {
    await this.hostile.end();
    await this.reader.end();
    await this.writer.end();
  }
}

function attackOf(name: string) {
  const found = ATTACKS.find((attack) => attack.name === name);
  if (!found) throw new Error(`There is no attack named "${name}"`);
  return found;
}

function readsOf({ scimify, world: { quiet } }: Target): SentRequest[] {
  const scim = new ScimRequests(scimify, quiet);
  return [
    scim.get(`/Users/${quiet.userIds[7]}`),
    scim.get('/Groups', { count: '5' }),
    scim.get('/Users', { filter: 'userName eq "User.000007@example.com"' }),
  ];
}

/** Removes one member and adds it again. */
function writesOf({ scimify, world: { quiet } }: Target): SentRequest[] {
  const scim = new ScimRequests(scimify, quiet);
  const group = `/Groups/${quiet.groupIds[0]}?attributes=displayName`;
  const member = quiet.userIds[0]!;
  return [
    scim.patch(group, [{ op: 'remove', path: `members[value eq "${member}"]` }]),
    scim.patch(group, [{ op: 'add', path: 'members', value: [{ value: member }] }]),
  ];
}

function figuresOf(outcomes: readonly Outcome[]): NeighbourFigures {
  const ms = outcomes.map((outcome) => outcome.ms);
  return {
    count: outcomes.length,
    statuses: statusesOf(outcomes),
    p99Ms: percentile(ms, 0.99),
    maxMs: percentile(ms, 1),
  };
}
